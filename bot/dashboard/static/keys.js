// Single keys for those who live here all day; silent while somebody types, and can be switched off.

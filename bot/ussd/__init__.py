"""The USSD door: gateways in, pages a feature phone can show out."""

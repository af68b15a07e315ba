"""Every conversation, in one visible list; nothing registers itself."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.flow import Flow
from bot.flows import (
    account,
    alerts,
    give,
    help_line,
    home,
    language,
    lessons,
    members,
    my_data,
    my_orders,
    new_owner,
    new_pin,
    news,
    orders,
    pay,
    payments,
    pin,
    prices,
    receipts,
    register,
    sale,
    share,
    split,
    stock,
    stock_change,
    telegram_link,
    track,
    verify,
    visitors,
    wallet,
)

FLOWS: Mapping[str, Flow] = MappingProxyType(
    {
        module.flow.name: module.flow
        for module in (
            home,
            language,
            register,
            prices,
            share,
            orders,
            my_orders,
            payments,
            pay,
            sale,
            receipts,
            track,
            lessons,
            account,
            news,
            my_data,
            help_line,
            pin,
            new_pin,
            wallet,
            verify,
            new_owner,
            visitors,
            stock,
            stock_change,
            alerts,
            members,
            split,
            give,
            telegram_link,
        )
    }
)

"""The sandbox numbers that steer a result; any other succeeds. Source: MTN's Testing page."""

_LAST_DIGITS = {
    "collection": [
        "FAILED",
        "APPROVAL_REJECTED",
        "EXPIRED",
        "ONGOING",
        "DELAYED",
        "PAYER_NOT_FOUND",
        "PAYEE_NOT_ALLOWED_TO_RECEIVE",
        "NOT_ALLOWED",
        "NOT_ALLOWED_TARGET_ENVIRONMENT",
        "INVALID_CALLBACK_URL_HOST",
        "INVALID_CURRENCY",
        "INTERNAL_PROCESSING_ERROR",
        "SERVICE_UNAVAILABLE",
        "COULD_NOT_PERFORM_TRANSACTION",
        "TRANSFER_TYPE_UNKNOWN",
    ],
    "disbursement": [
        "FAILED",
        "APPROVAL_REJECTED",
        "EXPIRED",
        "ONGOING",
        "DELAYED",
        "NOT_ENOUGH_FUNDS",
        "PAYER_LIMIT_REACHED",
        "PAYEE_NOT_FOUND",
        "NOT_ALLOWED",
        "NOT_ALLOWED_TARGET_ENVIRONMENT",
        "INVALID_CALLBACK_URL_HOST",
        "INVALID_CURRENCY",
        "INTERNAL_PROCESSING_ERROR",
        "SERVICE_UNAVAILABLE",
        "TRANSFER_TYPE_UNKNOWN",
    ],
}

# A seller types a number of this country, so the same ends stand behind ours: 0788 999 050 and on.
_STARTS = {"collection": ("467331234", "2507889990"), "disbursement": ("467331234",)}

OUTCOMES: dict[str, dict[str, str]] = {
    product: {
        f"{start}{50 + step}": outcome
        for start in _STARTS[product]
        for step, outcome in enumerate(outcomes)
    }
    for product, outcomes in _LAST_DIGITS.items()
}

NOT_ACTIVE = "46733123451"
# What the account-holder look-up answers for its own numbers: HTTP status and code.
ACTIVE_ERRORS = {
    "46733123450": (404, "RESOURCE_NOT_FOUND"),
    "46733123452": (500, "NOT_ALLOWED"),
    "46733123453": (500, "NOT_ALLOWED_TARGET_ENVIRONMENT"),
    "46733123454": (500, "INTERNAL_PROCESSING_ERROR"),
    "46733123455": (503, "SERVICE_UNAVAILABLE"),
}

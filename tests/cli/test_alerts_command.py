"""`isoko alerts` and `isoko hub pulls`, as they are typed."""

from pathlib import Path

import pytest

from tests.typed_command import isoko


@pytest.mark.timeout(300)
def test_a_rule_is_muted_with_a_name_and_a_reason(tmp_path: Path) -> None:
    def alerts(*words: str):
        return isoko(tmp_path, "alerts", *words)

    muted = alerts("mute", "gateway_silent", "--by", "amina", "--why", "MTN is at work")
    assert muted.returncode == 0 and muted.stdout.startswith("gateway_silent is muted until")
    shown = alerts("list").stdout
    assert "gateway_silent is muted until" in shown and "by amina: MTN is at work" in shown
    nobody = alerts("mute", "gateway_silent", "--by", " ", "--why", "x")
    assert nobody.returncode == 1 and "must be said" in nobody.stderr
    unknown = alerts("mute", "no_rule", "--by", "amina", "--why", "x")
    assert unknown.returncode == 1 and "ledger_sum" in unknown.stderr
    assert (
        alerts("mute", "gateway_silent", "--hours", "0", "--by", "a", "--why", "x").returncode == 0
    )
    assert "muted" not in alerts("list").stdout
    assert "asked until" in isoko(tmp_path, "hub", "pulls").stdout

"""The first signal is a request, the second one leaves."""

import os
import signal
import time

import pytest

from desk.commands.stop import StopRequest


def send(which: signal.Signals) -> None:
    os.kill(os.getpid(), which)
    time.sleep(0)


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_only_noted_and_told(
    which: signal.Signals, capfd: pytest.CaptureFixture[str]
) -> None:
    with StopRequest() as stop:
        send(which)
        assert stop.requested_by == which.name
    assert "stopping after this step; Ctrl+C again leaves at once" in capfd.readouterr().err


def test_the_second_signal_leaves_at_once() -> None:
    with StopRequest() as stop:
        send(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            send(signal.SIGINT)
        assert stop.requested_by is not None


def test_a_signal_cuts_a_prompt_short() -> None:
    with StopRequest() as stop, pytest.raises(KeyboardInterrupt), stop.cutting_short():
        send(signal.SIGINT)
    assert stop.requested_by == "SIGINT"


def test_the_handlers_of_before_are_put_back() -> None:
    before = (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))
    with StopRequest():
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before

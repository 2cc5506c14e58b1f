import inspect

import pytest

from conclave.ports import accounts
from conclave.store.accounts import SqlAccounts
from conclave.store.attempts import SqlAttempts
from conclave.store.owned_meetings import SqlOwnedMeetings
from conclave.store.sign_ins import SqlSignIns
from conclave.store.token_revocations import SqlTokenRevocations


@pytest.mark.parametrize(
    ("door", "adapter"),
    [
        (accounts.AccountStore, SqlAccounts),
        (accounts.SignInStore, SqlSignIns),
        (accounts.TokenRevocationStore, SqlTokenRevocations),
        (accounts.AttemptStore, SqlAttempts),
        (accounts.OwnedMeetingStore, SqlOwnedMeetings),
    ],
)
def test_the_adapter_has_every_call_of_the_door_with_the_same_arguments(door: type, adapter: type) -> None:
    calls = {name: call for name, call in vars(door).items() if inspect.isfunction(call) and not name.startswith("_")}
    assert calls
    for name, call in calls.items():
        found = getattr(adapter, name)
        assert inspect.iscoroutinefunction(found)
        assert list(inspect.signature(found).parameters) == list(inspect.signature(call).parameters)

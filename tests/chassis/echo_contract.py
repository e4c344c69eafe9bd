"""What the tests' own service promises."""

from marshmallow import Schema, fields

from kit.contracts import Event, EventSchema, Rpc
from kit.validation import Party, Text


class Words(Schema):
    text = Text(required=True)


class ThingDone(EventSchema):
    text = Text(required=True)
    by = fields.Nested(Party)


ECHO = Rpc("echo", "echo", Words)
WHO = Rpc("echo", "who", Words)
ASK = Rpc("echo", "ask", Words)
ASK_NOBODY = Rpc("echo", "ask_nobody", Words)
NOBODY = Rpc("nobody", "answer", Words)
WAIT = Rpc("echo", "wait", Words)
REFUSE = Rpc("echo", "refuse", Words)
BREAK = Rpc("echo", "break_down", Words)
DO = Rpc("echo", "do_thing", Words, mutates=True)
THING_DONE = Event("echo", "thing_done", ThingDone, consumers=("echo",))

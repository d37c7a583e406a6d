"""Random messages of every type, for Google's protobuf and our codec to agree on."""

from google.protobuf.descriptor import FieldDescriptor
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from messages import all_descriptors, message_class

TEXTS = st.text(st.characters(blacklist_categories=['Cs'], blacklist_characters='\0'), max_size=20)
SECONDS = st.integers(-62135596800, 253402300799)
ID = '0a6f0d8e-5d2b-11ee-8c99-0242ac120002'
# What a double holds and qms accepts: its shortest text has few enough digits on both sides.
DOUBLES = st.floats(1e-10, 2.0**96) | st.floats(-2.0**96, -1e-10) | st.just(0.0)
FLOATS = st.floats(2.0**-30, 2.0**96, width=32) | st.just(0.0)
SCALARS = {
    FieldDescriptor.TYPE_DOUBLE: DOUBLES, FieldDescriptor.TYPE_FLOAT: FLOATS,
    FieldDescriptor.TYPE_INT32: st.integers(-2**31, 2**31 - 1),
    FieldDescriptor.TYPE_BOOL: st.booleans(), FieldDescriptor.TYPE_STRING: TEXTS,
}


def fill_value(draw, message, field):
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        target = getattr(message, field.name)
        target.SetInParent()
        fill(draw, target)
    elif field.type == FieldDescriptor.TYPE_ENUM:
        setattr(message, field.name, draw(st.sampled_from(list(field.enum_type.values))).number)
    elif field.full_name == 'qms.SubscriptionAddon.subscription_id':
        setattr(message, field.name, ID)
    else:
        setattr(message, field.name, draw(SCALARS[field.type]))


def fill_list(draw, message, field):
    items = getattr(message, field.name)
    for _ in range(draw(st.integers(0, 2))):
        if field.type == FieldDescriptor.TYPE_STRING:
            items.append(draw(TEXTS))
        elif field.message_type.GetOptions().map_entry:
            fill(draw, items[draw(TEXTS)])
        else:
            fill(draw, items.add())


def fill(draw, message):
    """A random message, every field there or not."""
    if message.DESCRIPTOR.full_name == 'google.protobuf.Timestamp':
        message.seconds = draw(SECONDS)
        message.nanos = draw(st.integers(0, 999999)) * 1000
        return
    for field in message.DESCRIPTOR.fields:
        oneof = field.containing_oneof
        if oneof and message.WhichOneof(oneof.name):
            continue
        if field.label == FieldDescriptor.LABEL_REPEATED:
            fill_list(draw, message, field)
        elif draw(st.booleans()):
            fill_value(draw, message, field)


@st.composite
def messages(draw, names=None):
    """A message of any type, or of one of these."""
    message = message_class(draw(st.sampled_from(names or NAMES)))()
    fill(draw, message)
    return message


NAMES = [descriptor.full_name for descriptor in all_descriptors()]
thorough = settings(max_examples=250, deadline=None, database=None,
                    suppress_health_check=list(HealthCheck))


def name_of(message):
    return message.DESCRIPTOR.full_name

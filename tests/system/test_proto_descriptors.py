"""The .proto files say what the messages document says, field by field."""

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto

from messages import TABLE, all_descriptors, message_class, pool

SCALARS = {
    FieldDescriptor.TYPE_DOUBLE: 'double', FieldDescriptor.TYPE_FLOAT: 'float',
    FieldDescriptor.TYPE_INT32: 'int32', FieldDescriptor.TYPE_BOOL: 'bool',
    FieldDescriptor.TYPE_STRING: 'string',
}


def rows():
    """(message or enum, field, number, type, label, JSON name) of the document."""
    lines = TABLE.read_text().splitlines()
    return [line.split('\t') for line in lines if not line.startswith('#')]


def type_of(field):
    if field.type in SCALARS:
        return SCALARS[field.type]
    if field.type == FieldDescriptor.TYPE_ENUM:
        return field.enum_type.full_name
    if field.message_type.GetOptions().map_entry:
        key, value = field.message_type.fields
        return f'map<{type_of(key)}, {type_of(value)}>'
    return field.message_type.full_name


def label_of(field):
    if field.label == FieldDescriptor.LABEL_REPEATED:
        return 'repeated'
    return f'oneof {field.containing_oneof.name}' if field.containing_oneof else '-'


def described():
    for message in all_descriptors():
        for field in message.fields:
            yield [message.full_name, field.name, str(field.number), type_of(field),
                   label_of(field), field.json_name]
    for name in ['svcerror.ErrorCode', 'user_plans.ErrorCode']:
        for value in pool().FindEnumTypeByName(name).values:
            yield [name, value.name, str(value.number), 'enum', '-', '-']


def test_every_field_is_as_the_document_has_it():
    assert sorted(described()) == sorted(rows())


def test_the_document_has_every_message():
    listed = {row[0] for row in rows()} - {'svcerror.ErrorCode', 'user_plans.ErrorCode'}
    assert {message.full_name for message in all_descriptors()} == listed
    assert len(listed) > 100


def test_names_in_json_are_those_of_the_schema_but_for_the_listed_ones():
    others = {f'{row[0].split(".")[1]}.{row[1]}' for row in rows()
              if row[0].startswith('qms.') and row[1] != row[5]}
    assert others == {
        'AddUserRequest.plan_name', 'AddUserRequest.end_date', 'AddUserResponse.plan_name',
        'AddUserResponse.plan_uuid', 'ChangeSubscriptionRequest.end_date',
        'UpdateAddonRequest.update_name', 'UpdateAddonRequest.update_description',
        'UpdateAddonRequest.update_resource_type', 'UpdateAddonRequest.update_default_amount',
        'UpdateAddonRequest.update_default_paid', 'UpdateAddonRequest.update_addon_rates',
        *(f'{message}.{field}' for message in ('Quota', 'Usage') for field in
          ('CreatedBy', 'CreatedAt', 'LastModifiedBy', 'LastModifiedAt')),
    }


def test_numbers_that_were_given_up_stay_reserved():
    error = DescriptorProto()
    message_class('svcerror.ServiceError').DESCRIPTOR.CopyToProto(error)
    assert [(span.start, span.end) for span in error.reserved_range] == [(1, 2)]

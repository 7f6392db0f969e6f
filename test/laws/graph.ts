import {
  type GraphQLField,
  type GraphQLInterfaceType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isNonNullType,
  isObjectType,
  isSpecifiedScalarType,
  isUnionType,
} from 'graphql'

// The laws of the schema, each a function from a schema to the coordinates that break it.

/** What may have to come before the one success; front ends act on each by its name. */
const nextSteps = ['RegistrationPending']
const listArguments = ['after', 'before', 'first', 'last']

/** Everything without a description, by its schema coordinate. */
export function undescribed(schema: GraphQLSchema): string[] {
  return ownTypes(schema).flatMap((type) => [
    ...(type.description ? [] : [type.name]),
    ...members(type)
      .filter(([, member]) => !member.description)
      .map(([coordinate]) => coordinate),
  ])
}

/** Mutations that do not take exactly `input: <Field>Input!`. */
export function oddInputs(schema: GraphQLSchema): string[] {
  return oddFields(schema.getMutationType(), (field) => {
    const [argument, ...others] = field.args
    return (
      others.length === 0 && argument?.name === 'input' && String(argument.type) === `${capitalized(field.name)}Input!`
    )
  })
}

/**
 * Mutations whose result is not `<Field>Result`: one success, InvalidInput, facts that implement UserError, and next steps; nullable,
 * so that one denial does not blank the siblings that committed.
 */
export function oddResults(schema: GraphQLSchema): string[] {
  return oddFields(schema.getMutationType(), (field) => {
    const result = getNamedType(field.type)
    if (isNonNullType(field.type) || !isUnionType(result) || result.name !== `${capitalized(field.name)}Result`)
      return false
    const successes = result
      .getTypes()
      .filter((type) => !implementsInterface(type, 'UserError') && !nextSteps.includes(type.name))
    return successes.length === 1 && result.getTypes().some((type) => type.name === 'InvalidInput')
  })
}

/** Facts that are in no result, and types that only look like facts. */
export function strayFacts(schema: GraphQLSchema): string[] {
  const results = Object.values(schema.getMutationType()?.getFields() ?? {}).map((field) => getNamedType(field.type))
  const answered = new Set(results.flatMap((result) => (isUnionType(result) ? result.getTypes() : [])))
  const facts = ownTypes(schema).filter((type) => implementsInterface(type, 'UserError')) as GraphQLObjectType[]
  return facts.filter((type) => !answered.has(type)).map((type) => type.name)
}

/** Subscriptions that cannot say that they ended or lost the thread, or cannot be gone on with. */
export function oddSubscriptions(schema: GraphQLSchema): string[] {
  return oddFields(schema.getSubscriptionType(), (field) => {
    const union = getNamedType(field.type)
    const names = isUnionType(union) ? union.getTypes().map((type) => type.name) : []
    const after = field.args.find((argument) => argument.name === 'after')
    return names.includes('SubscriptionEnded') && names.includes('ResyncRequired') && String(after?.type) === 'Cursor'
  })
}

/** Fields that answer a connection without its four arguments, and connections without the parts that all have. */
export function oddConnections(schema: GraphQLSchema): string[] {
  const types = ownTypes(schema).filter((type) => isObjectType(type) || isInterfaceType(type))
  const fields = types.flatMap((type) =>
    oddFields(type, (field) => {
      const names = field.args.map((argument) => argument.name)
      return !isConnection(field.type) || listArguments.every((name) => names.includes(name))
    }),
  )
  const connections = types.filter((type) => isConnection(type))
  const parts = ['edges', 'nodes', 'pageInfo', 'totalCount']
  const incomplete = connections.filter((type) => parts.some((part) => !(part in type.getFields())))
  return [...fields, ...incomplete.map((type) => type.name)]
}

/** The fields that answer a connection, by their coordinates. */
export function listsOf(schema: GraphQLSchema): string[] {
  const types = ownTypes(schema).filter((type) => isObjectType(type) || isInterfaceType(type))
  return types.flatMap((type) => oddFields(type, (field) => !isConnection(field.type)))
}

/** Whether an object implements an interface, by name. */
function implementsInterface(type: GraphQLNamedType, name: string): boolean {
  return isObjectType(type) && type.getInterfaces().some((implemented) => implemented.name === name)
}

function ownTypes(schema: GraphQLSchema): GraphQLNamedType[] {
  return Object.values(schema.getTypeMap()).filter((type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type))
}

type Described = { readonly description?: string | null | undefined }

function members(type: GraphQLNamedType): [string, Described][] {
  if (isEnumType(type)) return type.getValues().map((value) => [`${type.name}.${value.name}`, value])
  if (isInputObjectType(type)) {
    return Object.values(type.getFields()).map((field) => [`${type.name}.${field.name}`, field])
  }
  if (!isObjectType(type) && !isInterfaceType(type)) return []
  return Object.values(type.getFields()).flatMap((field): [string, Described][] => [
    [`${type.name}.${field.name}`, field],
    ...field.args.map((argument): [string, Described] => [`${type.name}.${field.name}(${argument.name}:)`, argument]),
  ])
}

type Field = GraphQLField<unknown, unknown>

function oddFields(
  type: GraphQLObjectType | GraphQLInterfaceType | null | undefined,
  isRight: (field: Field) => boolean,
): string[] {
  const fields = Object.values(type?.getFields() ?? {})
  return fields.filter((field) => !isRight(field)).map((field) => `${type?.name}.${field.name}`)
}

function isConnection(type: GraphQLOutputType): boolean {
  return getNamedType(type).name.endsWith('Connection')
}

function capitalized(name: string): string {
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}`
}

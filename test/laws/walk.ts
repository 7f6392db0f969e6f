import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isRequiredArgument,
  parse,
} from 'graphql'

/** A field of Query, Mutation or Subscription. */
export interface RootField {
  /** Its schema coordinate: `Query.page`. */
  readonly coordinate: string
  readonly name: string
  readonly operation: 'query' | 'mutation' | 'subscription'
  readonly field: GraphQLField<unknown, unknown>
}

/** Every root field there is. */
export function rootFieldsOf(schema: GraphQLSchema): RootField[] {
  const roots = [
    ['query', schema.getQueryType()],
    ['mutation', schema.getMutationType()],
    ['subscription', schema.getSubscriptionType()],
  ] as const
  return roots.flatMap(([operation, type]) =>
    Object.entries(type?.getFields() ?? {}).map(([name, field]) => ({
      coordinate: `${type?.name}.${name}`,
      name,
      operation,
      field,
    })),
  )
}

/** Names of the types with ids of their own. */
export function nodeTypesOf(schema: GraphQLSchema): string[] {
  const node = schema.getType('Node')
  return isInterfaceType(node) ? schema.getPossibleTypes(node).map((type) => type.name) : []
}

/** Schema coordinates of every place in a field's arguments, however deep, that takes an id, sorted. */
export function idPlacesOf({ coordinate, field }: Pick<RootField, 'coordinate' | 'field'>): string[] {
  const seen = new Set<GraphQLNamedType>()
  const walk = (place: string, input: GraphQLArgument | GraphQLInputField): string[] => {
    const type = getNamedType(input.type)
    if (type.name === 'ID') return [place]
    if (!isInputObjectType(type) || seen.has(type)) return []
    seen.add(type)
    return Object.values(type.getFields()).flatMap((part) => walk(`${type.name}.${part.name}`, part))
  }
  return field.args.flatMap((argument) => walk(`${coordinate}(${argument.name}:)`, argument)).sort()
}

const MAX_DEPTH = 3

/** A document that asks a root field for all it can say, three objects deep, with a variable per argument. */
export function askingAllOf(schema: GraphQLSchema, { name, operation, field }: RootField) {
  const variables = field.args.map((argument) => `$${argument.name}: ${argument.type}`)
  const values = field.args.map((argument) => `${argument.name}: $${argument.name}`)
  const brackets = (parts: readonly string[]) => (parts.length === 0 ? '' : `(${parts.join(', ')})`)
  const selection = selectionOf(schema, getNamedType(field.type), [])
  return parse(`${operation} ${brackets(variables)} { ${name}${brackets(values)} ${selection} }`)
}

function selectionOf(schema: GraphQLSchema, type: GraphQLNamedType, trail: readonly GraphQLNamedType[]): string {
  if (!isCompositeType(type)) return ''
  const asIs = (field: Field) => field.name
  if (!isAbstractType(type)) return `{ __typename ${fieldsOf(schema, type as GraphQLObjectType, trail, asIs)} }`
  const members = schema.getPossibleTypes(type).filter((member) => !trail.includes(member))
  const fragments = members.map((member) => {
    const ownName = (field: Field) => `${member.name}_${field.name}: ${field.name}`
    const nameOf = (field: Field) => (isInterfaceType(type) && isAlike(field, members) ? asIs(field) : ownName(field))
    return `... on ${member.name} { __typename ${fieldsOf(schema, member, trail, nameOf)} }`
  })
  return `{ __typename ${fragments.join(' ')} }`
}

type Field = GraphQLField<unknown, unknown>

/**
 * Fields of one name may differ in type from one member to the next, and then each gets a name of its own. Of an interface
 * only those do: with a name for every field of every node the document would be too long.
 */
function isAlike({ name, type }: Field, members: readonly GraphQLObjectType[]): boolean {
  const types = members.map((member) => member.getFields()[name]?.type)
  return types.every((other) => other === undefined || String(other) === String(type))
}

function fieldsOf(
  schema: GraphQLSchema,
  type: GraphQLObjectType,
  trail: readonly GraphQLNamedType[],
  nameOf: (field: Field) => string,
): string {
  const path = [...trail, type]
  return Object.values(type.getFields())
    .filter((field) => !field.args.some(isRequiredArgument))
    .filter((field) => {
      const target = getNamedType(field.type)
      return !isCompositeType(target) || (path.length < MAX_DEPTH && !(isObjectType(target) && path.includes(target)))
    })
    .map((field) => `${nameOf(field)} ${selectionOf(schema, getNamedType(field.type), path)}`)
    .join(' ')
}

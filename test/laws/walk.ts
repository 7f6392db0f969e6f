import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isInputObjectType,
  isInterfaceType,
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

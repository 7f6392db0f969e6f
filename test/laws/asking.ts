import {
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  isRequiredArgument,
} from 'graphql'
import type { RootField } from './walk.ts'

// What one can ask a root field for: all of it, in as many documents as the limits of one make of it.

const MAX_DEPTH = 3
/** Under the 1,500 and 15,000 of the API, with room for the head of a document. */
const MAX_TOKENS = 1_400
const MAX_CHARACTERS = 14_000

/** Documents that ask a root field for all it can say, three objects deep, with a variable per argument. */
export function askingAllOf(schema: GraphQLSchema, { name, operation, field }: RootField): readonly string[] {
  const variables = field.args.map((argument) => `$${argument.name}: ${argument.type}`)
  const values = field.args.map((argument) => `${argument.name}: $${argument.name}`)
  const brackets = (parts: readonly string[]) => (parts.length === 0 ? '' : `(${parts.join(', ')})`)
  const root = { text: `${name}${brackets(values)}`, parts: partsOf(schema, getNamedType(field.type), []) }
  return piecesOf(root).map((piece) => `${operation} ${brackets(variables)} { ${printed(piece)} }`)
}

/** A field or a fragment, with what is asked of it; null for a scalar. */
interface Selection {
  readonly text: string
  readonly parts: readonly Selection[] | null
}

function printed({ text, parts }: Selection): string {
  return parts === null ? text : `${text} { __typename ${parts.map(printed).join(' ')} }`
}

/** A selection in pieces that each are short enough; together they ask for all that it does. */
function piecesOf(whole: Selection): Selection[] {
  if (whole.parts === null || fits(printed(whole))) return [whole]
  const groups: Selection[][] = []
  for (const part of whole.parts.flatMap(piecesOf)) {
    const last = groups.at(-1)
    if (last !== undefined && fits(printed({ ...whole, parts: [...last, part] }))) last.push(part)
    else groups.push([part])
  }
  return groups.map((parts) => ({ ...whole, parts }))
}

function fits(text: string): boolean {
  return text.length <= MAX_CHARACTERS && (text.match(/\.\.\.|\w+|[^\s\w]/g)?.length ?? 0) <= MAX_TOKENS
}

function partsOf(
  schema: GraphQLSchema,
  type: GraphQLNamedType,
  trail: readonly GraphQLNamedType[],
): Selection[] | null {
  if (!isCompositeType(type)) return null
  const asIs = (field: Field) => field.name
  if (!isAbstractType(type)) return fieldsOf(schema, type as GraphQLObjectType, trail, asIs)
  const members = schema.getPossibleTypes(type).filter((member) => !trail.includes(member))
  return members.map((member) => {
    const ownName = (field: Field) => `${member.name}_${field.name}: ${field.name}`
    const nameOf = (field: Field) => (isInterfaceType(type) && isAlike(field, members) ? asIs(field) : ownName(field))
    return { text: `... on ${member.name}`, parts: fieldsOf(schema, member, trail, nameOf) }
  })
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
): Selection[] {
  const path = [...trail, type]
  return Object.values(type.getFields())
    .filter((field) => !field.args.some(isRequiredArgument))
    .filter((field) => {
      const target = getNamedType(field.type)
      return !isCompositeType(target) || (path.length < MAX_DEPTH && !(isObjectType(target) && path.includes(target)))
    })
    .map((field) => ({ text: nameOf(field), parts: partsOf(schema, getNamedType(field.type), path) }))
}

import { ConvertBlockDocument, type ConvertBlockInput } from '../../../gql/graphql.ts'
import type { Person } from '../../../kit/people.ts'
import { outcomeOf } from './outline.ts'

/** What an attempt to convert a block came to; see `outcomeOf`. */
export const convertBlock = (person: Person, input: ConvertBlockInput) =>
  outcomeOf(person.send(ConvertBlockDocument, { input }))

/** Converts a block and answers it. @throws when it comes to anything else */
export async function convertTo(person: Person, input: ConvertBlockInput) {
  const { convertBlock: block } = await person.mutate(ConvertBlockDocument, { input })
  if (block.__typename !== 'Block') throw new Error(`The block came to ${JSON.stringify(block)}`)
  return block
}

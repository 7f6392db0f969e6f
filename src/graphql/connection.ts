import { type PageInfoShape, resolveCursorConnection } from '@pothos/plugin-relay'
import { z } from 'zod'
import type { Window } from '../platform/database/keyset.ts'
import { BadRequest } from '../platform/errors.ts'
import { builder } from './builder.ts'

/** The four arguments of every list. */
export interface ConnectionArguments {
  readonly first?: number | null | undefined
  readonly last?: number | null | undefined
  readonly after?: string | null | undefined
  readonly before?: string | null | undefined
}

/** How one list is read: its rows in a window, their keys, and how many there are in all. */
export interface ConnectionSource<Row> {
  readonly args: ConnectionArguments
  /** What a key of this list looks like; a cursor that holds anything else is refused. */
  readonly keySchema: z.ZodType<readonly string[]>
  readonly keyOf: (row: Row) => readonly string[]
  readonly rows: (window: Window) => Promise<readonly Row[]>
  /** Asked only when `totalCount` is selected. */
  readonly count: () => Promise<number>
}

/** A page of a list, as the Relay types resolve it. */
export interface KeysetConnection<Row> {
  readonly edges: { cursor: string; node: Row }[]
  readonly pageInfo: PageInfoShape
  readonly count: () => Promise<number>
}

/** The key of lists ordered by id alone, which for UUIDv7 means by age. */
export const idKey: z.ZodType<readonly string[]> = z.tuple([z.uuid()])

const MAX_SIZE = 100
const sizeSchema = z.number().int().min(1).max(MAX_SIZE).nullish()

/** A Relay connection over a keyset. @throws {BadRequest} for sizes outside 1–100 and for cursors of another list */
export async function keysetConnection<Row>(source: ConnectionSource<Row>): Promise<KeysetConnection<Row>> {
  const { args } = source
  for (const name of ['first', 'last'] as const) {
    if (!sizeSchema.safeParse(args[name]).success) throw new BadRequest(`${name} is a number from 1 to ${MAX_SIZE}.`)
  }
  if (typeof args.first === 'number' && typeof args.last === 'number')
    throw new BadRequest('Use first or last, not both.')
  const key = (cursor: string | undefined) => (cursor === undefined ? null : decodeKey(source.keySchema, cursor))
  const connection = await resolveCursorConnection(
    { args: { ...args }, maxSize: MAX_SIZE, toCursor: (row) => encodeKey(source.keyOf(row as Row)) },
    async ({ after, before, limit, inverted }): Promise<Row[]> => [
      ...(await source.rows({ after: key(after), before: key(before), limit, inverted })),
    ],
  )
  const { edges, pageInfo } = connection as Omit<KeysetConnection<Row>, 'count'>
  // Pothos repeats the caller's cursor where there is no item to name one, or makes it an empty text.
  const ends = edges.length === 0 ? { startCursor: null, endCursor: null } : {}
  return { edges, pageInfo: { ...pageInfo, ...ends }, count: source.count }
}

function encodeKey(key: readonly string[]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url')
}

function decodeKey(schema: z.ZodType<readonly string[]>, cursor: string): readonly string[] {
  try {
    return schema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()))
  } catch {
    throw new BadRequest('This cursor is not of this list.')
  }
}

builder.globalConnectionField('totalCount', (t) =>
  t.int({
    description: 'How many there are in all; costs a query, so select it only where it is shown.',
    resolve: (connection) => connection.count(),
  }),
)

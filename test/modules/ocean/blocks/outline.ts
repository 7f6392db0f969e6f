import { expect } from 'vitest'
import { newUuid } from '../../../../src/platform/uuid.ts'
import { type BlockType, CreateBlocksDocument, type CreateBlocksInput } from '../../../gql/graphql.ts'
import type { Client } from '../../../kit/client.ts'
import { type Person, uuidIn } from '../../../kit/people.ts'
import type { TestServer } from '../../../kit/server.ts'

// Pages as outlines: a block a line, with two spaces before it for each block it stands in.

/** A block as these tests see it. */
export interface Standing {
  readonly id: string
  readonly type: BlockType
  readonly text: string
  readonly content: object
  readonly depth: number
  readonly position: string
  readonly version: number
  readonly textVersion: number
  readonly createdAt: string
  readonly createdBy: { readonly displayName: string }
  readonly parent: { readonly id: string } | null
}

const query = `query ($id: ID!, $after: String) { page(id: $id) { blocks(first: 100, after: $after) {
  nodes { id type text content depth position version textVersion createdAt createdBy { displayName } parent { id } }
  pageInfo { hasNextPage endCursor }
} } }`
interface Part {
  readonly nodes: readonly Standing[]
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null }
}

/** All blocks of a page, in document order. */
export async function blocksOf(person: Client, pageId: string): Promise<Standing[]> {
  const blocks: Standing[] = []
  let after: string | null = null
  do {
    const { nodes, pageInfo } = await partOf(person, pageId, after)
    blocks.push(...nodes)
    after = pageInfo.hasNextPage ? pageInfo.endCursor : null
  } while (after !== null)
  return blocks
}

async function partOf(person: Client, id: string, after: string | null): Promise<Part> {
  const { data } = await person.send<{ page: { blocks: Part } }, object>(query, { id, after })
  if (!data) throw new Error('The page could not be read')
  return data.page.blocks
}

/** What a page shows, which is a tree. */
export async function outlineOf(person: Client, pageId: string): Promise<string[]> {
  const blocks = await blocksOf(person, pageId)
  expectTree(blocks)
  return blocks.map(({ depth, text }) => '  '.repeat(depth - 1) + text)
}

/** Demands of blocks in document order that each stands in the last one before it that is less deep, one level above. */
export function expectTree(blocks: readonly Pick<Standing, 'id' | 'depth' | 'position' | 'parent'>[]): void {
  const open: string[] = []
  for (const [index, { id, depth, position, parent }] of blocks.entries()) {
    const previous = blocks[index - 1]
    if (previous !== undefined) expect(position > previous.position, `${previous.position} < ${position}`).toBe(true)
    expect(depth, `${id} has no gap above it`).toBeLessThanOrEqual(open.length + 1)
    open.splice(depth - 1, Number.POSITIVE_INFINITY, id)
    expect(parent?.id ?? null, `${id} stands where it says`).toBe(open[depth - 2] ?? null)
  }
}

/** Makes what an outline says and answers the ids by the texts. */
export async function make(
  person: Person,
  place: Omit<CreateBlocksInput, 'blocks'>,
  ...lines: readonly string[]
): Promise<Record<string, string>> {
  const depths = lines.map((line) => line.search(/\S/) / 2)
  const blocks = lines.map((line, index) => {
    const parentIndex = depths.slice(0, index).lastIndexOf((depths[index] ?? 0) - 1)
    return { text: line.trim(), parentIndex: parentIndex < 0 ? null : parentIndex }
  })
  const { createBlocks: made } = await person.mutate(CreateBlocksDocument, { input: { ...place, blocks } })
  if (made.__typename !== 'CreatedBlocks') throw new Error(`The blocks came to ${JSON.stringify(made)}`)
  return Object.fromEntries(made.blocks.map(({ id, text }) => [text, id]))
}

/** Makes a link from each block and one to each, beside all texts. */
export async function linkAll(server: TestServer, person: Person, ids: readonly string[]): Promise<void> {
  const now = server.clock.now()
  const link = (sourceId: string, targetId: string) => ({
    id: newUuid(now),
    organization_id: uuidIn(person.organizationId),
    source_block_id: uuidIn(sourceId),
    kind: 'BLOCK' as const,
    target_id: uuidIn(targetId),
    url: null,
    in_text: false,
    is_explicit: true,
    created_by_id: uuidIn(person.userId),
    created_at: now,
  })
  const links = ids.map((id, index) => link(id, ids[(index + 1) % ids.length] ?? ''))
  await server.app.platform.database.unscoped.insertInto('link').values(links).execute()
}

/** All that is stored of the links from some blocks. */
export const linksOf = ({ app }: TestServer, ids: readonly string[]) =>
  app.platform.database.unscoped
    .selectFrom('link')
    .selectAll()
    .where('source_block_id', 'in', ids.map(uuidIn))
    // Those of the text come and go in their own time.
    .where('is_explicit', '=', true)
    .orderBy('id')
    .execute()

/** What a mutation came to: the fields that broke a rule, the type of the result, or the code of the error. */
export async function outcomeOf(sent: ReturnType<Client['send']>): Promise<string> {
  const { data, errors } = await sent
  const [result] = Object.values((data ?? {}) as Record<string, { __typename: string; fields?: { path: string[] }[] }>)
  if (errors?.[0] !== undefined) return String(errors[0].extensions.code)
  return result?.fields?.map(({ path }) => path.join('.')).join(' ') ?? result?.__typename ?? 'nothing'
}

/** All that is stored of the blocks of some pages. */
export function storedBlocks({ app }: TestServer, ...pageIds: readonly string[]) {
  const { unscoped } = app.platform.database
  return unscoped.selectFrom('block').selectAll().where('page_id', 'in', pageIds.map(uuidIn)).orderBy('id').execute()
}

import { sql } from 'kysely'
import type { ActingViewer } from '../../../platform/context.ts'
import type { Transaction } from '../../../platform/database/transact.ts'
import { AccessMoved, InvalidInput } from '../../../platform/errors.ts'
import { newUuid } from '../../../platform/uuid.ts'
import { onPage } from '../pages/page.events.ts'
import { LINK_TARGET } from './link.reads.ts'
import { MAX_EXPLICIT_LINKS } from './link.service.ts'
import { noteTexts } from './linking.service.ts'

/**
 * Hands the links of a block that is about to go over to another one into which its text went: those that start from it,
 * and those made beside a text that lead to it. What a text says stays as it says it. None is doubled, and none leads to
 * where it starts. Watchers hear of the blocks whose links are others now. Both blocks are locked.
 * @throws {InvalidInput} at `id`, when more links would start from one block than are made from one
 * @throws {AccessMoved} when a block whose links lead there is busy
 */
export async function redirectLinks(
  tx: Transaction,
  viewer: ActingViewer,
  fromId: string,
  intoId: string,
): Promise<void> {
  const { organizationId } = viewer
  const started = await moveStarts(tx, viewer, fromId, intoId)
  const led = await moveEnds(tx, viewer, fromId, intoId)
  if (started.length > 0) await expectRoom(tx, intoId)
  // Its text may say nothing of them, if what said them went before they were looked for.
  if (started.some(({ inText }) => inText)) await noteTexts(tx, { organizationId, blockIds: [intoId] })
  await tellOf(tx, viewer, new Set([...(started.some(({ isNew }) => isNew) ? [intoId] : []), ...led]))
}

interface Started {
  readonly inText: boolean
  /** Not there before. */
  readonly isNew: boolean
}

/** Answers the links that the other block got. */
async function moveStarts(
  tx: Transaction,
  { organizationId }: ActingViewer,
  fromId: string,
  intoId: string,
): Promise<readonly Started[]> {
  const isDouble = sql`e.organization_id = ${organizationId} and e.source_block_id = ${intoId}
    and e.kind = o.kind and coalesce(e.target_id::text, e.url) = coalesce(o.target_id::text, o.url)`
  const isFrom = sql`o.organization_id = ${organizationId} and o.source_block_id = ${fromId}`
  const { rows: doubles } = await sql<Started>`
    update link e set is_explicit = e.is_explicit or o.is_explicit, in_text = e.in_text or o.in_text
    from link o where ${isFrom} and ${isDouble}
    returning o.in_text as "inText", false as "isNew"`.execute(tx.unscoped)
  const { rows: moved } = await sql<Started>`
    update link o set source_block_id = ${intoId}
    where ${isFrom} and (o.target_id is null or o.target_id not in (${fromId}, ${intoId}))
      and not exists (select from link e where ${isDouble})
    returning o.in_text as "inText", true as "isNew"`.execute(tx.unscoped)
  // The doubles go with the block.
  return [...doubles, ...moved]
}

async function expectRoom(tx: Transaction, blockId: string): Promise<void> {
  const links = tx.db.from('link').where('link.source_block_id', '=', blockId).where('link.is_explicit', '=', true)
  const { count } = await links.select((on) => on.fn.countAll<number>().as('count')).executeTakeFirstOrThrow()
  if (Number(count) <= MAX_EXPLICIT_LINKS) return
  const message = `together they have more than ${MAX_EXPLICIT_LINKS} links that were made, which is the most of a block`
  throw new InvalidInput([{ path: ['id'], message }])
}

/** Answers the blocks whose links lead elsewhere now. */
async function moveEnds(
  tx: Transaction,
  { organizationId }: ActingViewer,
  fromId: string,
  intoId: string,
): Promise<readonly string[]> {
  const leading = await holdLeading(tx, fromId)
  if (leading.length === 0) return []
  const isOld = sql`o.organization_id = ${organizationId} and o.id = any(${leading.map(({ id }) => id)}::uuid[])`
  const isDouble = sql`e.organization_id = ${organizationId} and e.source_block_id = o.source_block_id
    and e.kind = 'BLOCK' and e.target_id = ${intoId}`
  await sql`
    update link e set is_explicit = true from link o where ${isOld} and ${isDouble}`.execute(tx.unscoped)
  // What the text says beside it stays, and leads nowhere.
  await sql`
    update link o set target_id = ${intoId} where ${isOld} and not o.in_text and o.source_block_id <> ${intoId}
      and not exists (select from link e where ${isDouble})`.execute(tx.unscoped)
  await sql`
    delete from link o where ${isOld} and not o.in_text and o.target_id = ${fromId}`.execute(tx.unscoped)
  await sql`
    update link o set is_explicit = false where ${isOld} and o.in_text`.execute(tx.unscoped)
  const said = leading.filter((link) => link.in_text && link.source_block_id !== intoId)
  const renewed = said.map((link) => ({ ...link, id: newUuid(tx.now), target_id: intoId }))
  if (renewed.length > 0) await insertLinks(tx, renewed)
  return leading.map((link) => link.source_block_id)
}

/**
 * The links made beside a text that lead to a block, with the blocks they start from held. None is waited for: the lock of
 * a page is held here, and blocks of other pages are locked under theirs. @throws {AccessMoved} when one is busy
 */
async function holdLeading(tx: Transaction, toId: string) {
  const leading = tx.db
    .from('link')
    .where('link.kind', '=', 'BLOCK')
    .where('link.target_id', '=', toId)
    .where('link.is_explicit', '=', true)
    .where('link.source_block_id', '!=', toId)
    .selectAll()
  const ids = (await leading.execute()).map((link) => link.source_block_id)
  if (ids.length === 0) return []
  const isSource = sql<boolean>`block.id = any(${ids}::uuid[])`
  const sources = tx.db.from('block').select('block.id').where(isSource).orderBy('block.id')
  const held = new Set((await sources.forNoKeyUpdate().skipLocked().execute()).map(({ id }) => id))
  // In a statement of its own: whatever was changed before they were held shows.
  const links = await leading.execute()
  if (links.some((link) => !held.has(link.source_block_id))) throw new AccessMoved()
  return links
}

// One parameter whatever their number: Postgres takes 65,535 at most.
async function insertLinks(
  tx: Transaction,
  links: readonly {
    readonly id: string
    readonly organization_id: string
    readonly source_block_id: string
    readonly target_id: string
    readonly created_by_id: string
    readonly created_at: Date
  }[],
): Promise<void> {
  await sql`
    insert into link (id, organization_id, source_block_id, kind, target_id, in_text, is_explicit, created_by_id, created_at)
    select id, organization_id, source_block_id, 'BLOCK', target_id, false, true, created_by_id, created_at
    from jsonb_to_recordset(${JSON.stringify(links)}::jsonb) as l(
      id uuid, organization_id uuid, source_block_id uuid, target_id uuid, created_by_id uuid, created_at timestamptz)
    on conflict (${LINK_TARGET}) do update set is_explicit = true`.execute(tx.unscoped)
}

async function tellOf(tx: Transaction, { organizationId }: ActingViewer, blockIds: ReadonlySet<string>): Promise<void> {
  if (blockIds.size === 0) return
  const isOne = sql<boolean>`block.id = any(${[...blockIds]}::uuid[])`
  const blocks = await tx.db.from('block').select(['block.id', 'block.page_id as pageId']).where(isOne).execute()
  for (const { id: blockId, pageId } of blocks)
    tx.record(onPage({ organizationId, pageId }, { type: 'BlockUpdated', blockId }))
}

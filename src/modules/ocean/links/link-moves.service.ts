import { sql } from 'kysely'
import type { ActingViewer } from '../../../platform/context.ts'
import type { Transaction } from '../../../platform/database/transact.ts'
import { newUuid } from '../../../platform/uuid.ts'
import { onPage } from '../pages/page.events.ts'

/**
 * Hands the links of a block that is about to go over to another one into which its text went: those that start from it,
 * and those made beside a text that lead to it. What a text says stays as it says it. None is doubled, and none leads to
 * where it starts. Watchers hear of the blocks whose links are others now.
 */
export async function redirectLinks(
  tx: Transaction,
  viewer: ActingViewer,
  fromId: string,
  intoId: string,
): Promise<void> {
  const started = await moveStarts(tx, viewer, fromId, intoId)
  const led = await moveEnds(tx, viewer, fromId, intoId)
  await tellOf(tx, viewer, new Set([...started, ...led]))
}

/** Answers the block that got links, if it did. */
async function moveStarts(
  tx: Transaction,
  { organizationId }: ActingViewer,
  fromId: string,
  intoId: string,
): Promise<readonly string[]> {
  const isDouble = sql`e.organization_id = ${organizationId} and e.source_block_id = ${intoId}
    and e.kind = o.kind and coalesce(e.target_id::text, e.url) = coalesce(o.target_id::text, o.url)`
  const isFrom = sql`o.organization_id = ${organizationId} and o.source_block_id = ${fromId}`
  await sql`
    update link e set is_explicit = e.is_explicit or o.is_explicit, in_text = e.in_text or o.in_text
    from link o where ${isFrom} and ${isDouble}`.execute(tx.unscoped)
  const { numAffectedRows = 0n } = await sql`
    update link o set source_block_id = ${intoId}
    where ${isFrom} and (o.target_id is null or o.target_id not in (${fromId}, ${intoId}))
      and not exists (select from link e where ${isDouble})`.execute(tx.unscoped)
  // The doubles go with the block.
  return numAffectedRows > 0n ? [intoId] : []
}

/** Answers the blocks whose links lead elsewhere now. */
async function moveEnds(
  tx: Transaction,
  { organizationId }: ActingViewer,
  fromId: string,
  intoId: string,
): Promise<readonly string[]> {
  const leading = await tx.db
    .from('link')
    .where('link.kind', '=', 'BLOCK')
    .where('link.target_id', '=', fromId)
    .where('link.is_explicit', '=', true)
    .where('link.source_block_id', '!=', fromId)
    .selectAll()
    .execute()
  if (leading.length === 0) return []
  const renewed = leading
    .filter((link) => link.source_block_id !== intoId)
    .map((link) => ({ ...link, id: link.in_text ? newUuid(tx.now) : link.id, target_id: intoId, in_text: false }))
  const ids = leading.map(({ id }) => id)
  const old = sql`organization_id = ${organizationId} and id = any(${ids}::uuid[])`
  // What the text says beside it stays, and leads nowhere.
  await sql`update link set is_explicit = false where ${old} and in_text`.execute(tx.unscoped)
  await sql`delete from link where ${old} and not in_text`.execute(tx.unscoped)
  await insertLinks(tx, renewed)
  return leading.map((link) => link.source_block_id)
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
    on conflict (source_block_id, kind, coalesce(target_id::text, url)) do update set is_explicit = true`.execute(
    tx.unscoped,
  )
}

async function tellOf(tx: Transaction, { organizationId }: ActingViewer, blockIds: ReadonlySet<string>): Promise<void> {
  if (blockIds.size === 0) return
  const isOne = sql<boolean>`block.id = any(${[...blockIds]}::uuid[])`
  const blocks = await tx.db.from('block').select(['block.id', 'block.page_id as pageId']).where(isOne).execute()
  for (const { id: blockId, pageId } of blocks)
    tx.record(onPage({ organizationId, pageId }, { type: 'BlockUpdated', blockId }))
}

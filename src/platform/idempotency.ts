import { canonicalJson, sha256Hex } from '../lib/hash.ts'
import { type ActingViewer, authorIdOf, type Context } from './context.ts'
import { jsonb } from './database/jsonb.ts'
import { type Transaction, transact } from './database/transact.ts'
import { UserError } from './errors.ts'
import { requireViewer } from './gate.ts'

/** The key was used before with another input; the earlier result stands. */
export class IdempotencyKeyReused extends UserError {
  readonly code = 'IDEMPOTENCY_KEY_REUSED'
  constructor() {
    super('This idempotency key was already used with a different input.')
  }
}

/** One use of a client's key: by whom, for which field, with what input. */
interface IdempotentWrite {
  readonly viewer: ActingViewer
  readonly field: string
  readonly key: string
  readonly input: IdempotentInput
  readonly ttlSeconds: number
}

/** The input of a mutation that makes something. */
export interface IdempotentInput {
  readonly idempotencyKey: string | null
}

/**
 * Runs `make` in a transaction and once per key, and answers the ids it made; a repeat answers the same ids and makes
 * nothing. Of two at once the second waits for the first on the key's row. Without a key it just runs. `field` is the
 * mutation's: each has keys of its own.
 * @throws {IdempotencyKeyReused} when the key belongs to another input
 * @throws {Unauthenticated}
 */
export async function createManyOnce(
  ctx: Context,
  field: string,
  input: IdempotentInput,
  make: (tx: Transaction, viewer: ActingViewer) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const viewer = requireViewer(ctx)
  const { idempotencyKey: key } = input
  const { ttlSeconds } = ctx.platform.settings.idempotency
  return transact(ctx, (tx) =>
    key === null ? make(tx, viewer) : onceOnly(tx, { viewer, field, key, input, ttlSeconds }, () => make(tx, viewer)),
  )
}

/** `createManyOnce` of a single object. */
export async function createOnce(
  ctx: Context,
  field: string,
  input: IdempotentInput,
  make: (tx: Transaction, viewer: ActingViewer) => string | Promise<string>,
): Promise<string> {
  const [id] = await createManyOnce(ctx, field, input, async (tx, viewer) => [await make(tx, viewer)])
  if (id === undefined) throw new Error('An idempotency key is held by nothing')
  return id
}

/**
 * The ids that an earlier use of the key made; null where there was none, or it is still under way. For what would refuse a
 * repeat for reasons that have come up since. @throws {IdempotencyKeyReused | Unauthenticated}
 */
export async function findMade(ctx: Context, field: string, input: IdempotentInput): Promise<readonly string[] | null> {
  const viewer = requireViewer(ctx)
  const { idempotencyKey: key } = input
  if (key === null) return null
  const earlier = await ctx.db
    .from('idempotency_key')
    .select(['input_hash', 'object_ids'])
    .where('actor_id', '=', authorIdOf(viewer))
    .where('field', '=', field)
    .where('key', '=', key)
    .where('expires_at', '>', ctx.platform.clock.now())
    .executeTakeFirst()
  if (earlier === undefined || earlier.object_ids.length === 0) return null
  if (earlier.input_hash !== hashOf(input)) throw new IdempotencyKeyReused()
  return earlier.object_ids
}

async function onceOnly(
  tx: Transaction,
  write: IdempotentWrite,
  create: () => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const identity = {
    actor_id: authorIdOf(write.viewer),
    organization_id: write.viewer.organizationId,
    field: write.field,
    key: write.key,
  }
  const inputHash = hashOf(write.input)
  const expiresAt = new Date(tx.now.getTime() + write.ttlSeconds * 1_000)
  const claimed = await tx.unscoped
    .insertInto('idempotency_key')
    .values({ ...identity, input_hash: inputHash, object_ids: jsonb([]), expires_at: expiresAt })
    .onConflict((conflict) =>
      conflict
        .columns(['actor_id', 'organization_id', 'field', 'key'])
        // An expired key is free again, whether or not the purge has come by.
        .doUpdateSet({ input_hash: inputHash, object_ids: jsonb([]), expires_at: expiresAt })
        .where('idempotency_key.expires_at', '<=', tx.now),
    )
    .executeTakeFirst()
  if ((claimed.numInsertedOrUpdatedRows ?? 0n) === 0n) {
    const earlier = await tx.unscoped
      .selectFrom('idempotency_key')
      .select(['input_hash', 'object_ids'])
      .where((on) => on.and(identity))
      .executeTakeFirstOrThrow()
    if (earlier.input_hash !== inputHash) throw new IdempotencyKeyReused()
    return earlier.object_ids
  }
  const objectIds = await create()
  await tx.unscoped
    .updateTable('idempotency_key')
    .set({ object_ids: jsonb(objectIds) })
    .where((on) => on.and(identity))
    .execute()
  return objectIds
}

function hashOf(input: IdempotentInput): string {
  return sha256Hex(canonicalJson(comparable(input)))
}

/**
 * An input without its key, and without nulls at any depth: a newer version may know one more optional field, which is
 * null where a client, or an earlier node, does not speak of it.
 */
function comparable({ idempotencyKey: _key, ...input }: IdempotentInput): unknown {
  return withoutNulls(input)
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (typeof value !== 'object' || value === null) return value
  // Dates as they are, and what has no JSON for `canonicalJson` to refuse.
  if (![Object.prototype, null].includes(Object.getPrototypeOf(value))) return value
  const fields = Object.entries(value).filter(([, held]) => held !== null)
  return Object.fromEntries(fields.map(([name, held]) => [name, withoutNulls(held)]))
}

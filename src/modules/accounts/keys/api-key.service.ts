import { randomBytes } from 'node:crypto'
import { formatCredential, shownPrefix } from '../../../lib/credential.ts'
import { sha256Hex } from '../../../lib/hash.ts'
import { encodeTypeId } from '../../../lib/typeid.ts'
import type { Context, UserViewer } from '../../../platform/context.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { InvalidInput, NotFound, UserError } from '../../../platform/errors.ts'
import { requirePerson } from '../../../platform/gate.ts'
import { newUuid } from '../../../platform/uuid.ts'
import { audit } from '../../audit/audit.service.ts'
import { demandLiving, lockUser } from '../devices/device-session.service.ts'
import { tellViewer } from '../users/viewer.events.ts'
import { ApiKey } from './api-key.entity.ts'
import { type ApiKeyRow, findApiKey } from './api-key.reads.ts'
import { demandHeld } from './held-permissions.reads.ts'

/** Keys that are in force at once, of one person in one organization. */
export const MAX_KEYS = 50
/** How long the secret before the last rotation still counts, for programs to be given the new one. */
const OVERLAP_MILLIS = 24 * 3_600_000

/** The person has as many keys in the organization as they may; one has to be revoked first. */
export class TooManyApiKeys extends UserError {
  readonly code = 'TOO_MANY_API_KEYS'
  constructor() {
    super(`There are ${MAX_KEYS} keys already. Revoke one first.`)
  }
}

/** The key was revoked or has expired; another one is to be made. */
export class ApiKeyEnded extends UserError {
  readonly code = 'API_KEY_ENDED'
  constructor() {
    super('This key was revoked or has expired. Make another one.')
  }
}

/** A key to be made, for whoever asks. */
export interface NewApiKey {
  readonly name: string
  readonly permissions: readonly string[]
  /** Null for one that lasts until it is revoked. */
  readonly expiresAt: Date | null
}

/** A key with its secret, which is told this once. */
export interface CreatedApiKey {
  readonly apiKey: ApiKeyRow
  readonly secret: string
}

/**
 * Makes a key of the viewer's own in the active organization. Only a person on a device does: a key that made keys would
 * outlive its own end. @throws {PermissionNotHeld | TooManyApiKeys | InvalidInput}
 */
export async function createApiKey(ctx: Context, input: NewApiKey): Promise<CreatedApiKey> {
  const viewer = requirePerson(ctx, 'api_key.create')
  const { userId, organizationId } = viewer
  const { expiresAt, name, permissions } = input
  if (expiresAt !== null && expiresAt <= ctx.platform.clock.now()) {
    throw new InvalidInput([{ path: ['expiresAt'], message: 'is in the past' }])
  }
  const secret = newSecret()
  const id = await transact(ctx, async (tx) => {
    await lockUser(tx, userId)
    await demandLiving(tx, viewer)
    await demandHeld(tx, viewer, { permissions, action: 'api_key.create', target: null })
    if ((await keysInForce(tx, viewer)) >= MAX_KEYS) throw new TooManyApiKeys()
    const key = tx.em.create(ApiKey, {
      id: newUuid(tx.now),
      organization: organizationId,
      user: userId,
      name,
      prefix: shownPrefix(secret),
      secretHash: sha256Hex(secret),
      previousHash: null,
      previousUntil: null,
      permissions,
      createdAt: tx.now,
      lastUsedAt: null,
      expiresAt,
      rotatedAt: null,
      revokedAt: null,
    })
    audit(ctx, tx, { action: 'api_key.create', target: encodeTypeId('api_key', key.id) })
    return key.id
  })
  return { apiKey: await demandKey(ctx, id, 'api_key.create'), secret }
}

/**
 * Gives one of the viewer's own keys a new secret. The one before still counts for 24 h; the one before that ends at once.
 * @throws {NotFound | ApiKeyEnded}
 */
export async function rotateApiKey(ctx: Context, id: string): Promise<CreatedApiKey> {
  const target = encodeTypeId('api_key', id)
  const viewer = requirePerson(ctx, 'api_key.rotate', target)
  const secret = newSecret()
  await transact(ctx, async (tx) => {
    await lockUser(tx, viewer.userId)
    await demandLiving(tx, viewer)
    const key = await ownKey(tx, viewer, id)
    if (key === undefined) throw new NotFound('API key', 'api_key.rotate', target)
    if (key.revokedAt !== null || (key.expiresAt !== null && key.expiresAt <= tx.now)) throw new ApiKeyEnded()
    await tx.unscoped
      .updateTable('api_key')
      .set({
        prefix: shownPrefix(secret),
        secret_hash: sha256Hex(secret),
        previous_hash: key.secretHash,
        previous_until: new Date(tx.now.getTime() + OVERLAP_MILLIS),
        rotated_at: tx.now,
      })
      .where('id', '=', id)
      .execute()
    // What is open by the secret before the last one ends with it.
    await tellViewer(tx, viewer.userId, { type: 'ViewerUpdated' })
    audit(ctx, tx, { action: 'api_key.rotate', target })
  })
  return { apiKey: await demandKey(ctx, id, 'api_key.rotate'), secret }
}

/** Ends one of the viewer's own keys, with all that is open by it; ending an ended one is no error. @throws {NotFound} */
export async function revokeApiKey(ctx: Context, id: string): Promise<ApiKeyRow> {
  const target = encodeTypeId('api_key', id)
  const viewer = requirePerson(ctx, 'api_key.revoke', target)
  await transact(ctx, async (tx) => {
    await lockUser(tx, viewer.userId)
    await demandLiving(tx, viewer)
    const key = await ownKey(tx, viewer, id)
    if (key === undefined) throw new NotFound('API key', 'api_key.revoke', target)
    if (key.revokedAt === null) {
      await tx.unscoped.updateTable('api_key').set({ revoked_at: tx.now }).where('id', '=', id).execute()
      await tellViewer(tx, viewer.userId, { type: 'ViewerUpdated' })
    }
    audit(ctx, tx, { action: 'api_key.revoke', target })
  })
  return demandKey(ctx, id, 'api_key.revoke')
}

/**
 * Ends all keys of a person in one organization, or in whatever one, inside the transaction of what led to it, which also
 * tells them.
 */
export async function revokeKeysOf(tx: Transaction, userId: string, organizationId?: string): Promise<void> {
  const keys = tx.unscoped
    .updateTable('api_key')
    .set({ revoked_at: tx.now })
    .where('user_id', '=', userId)
    .where('revoked_at', 'is', null)
  await (organizationId === undefined ? keys : keys.where('organization_id', '=', organizationId)).execute()
}

function newSecret(): string {
  return formatCredential('key', randomBytes(32))
}

async function keysInForce({ unscoped, now }: Transaction, viewer: UserViewer): Promise<number> {
  const { count } = await unscoped
    .selectFrom('api_key')
    .select((on) => on.fn.countAll<number>().as('count'))
    .where('user_id', '=', viewer.userId)
    .where('organization_id', '=', viewer.organizationId)
    .where('revoked_at', 'is', null)
    .where((on) => on.or([on('expires_at', 'is', null), on('expires_at', '>', now)]))
    .executeTakeFirstOrThrow()
  return count
}

/** A key of the person's own in the organization they act in; the lock of their row keeps it as it is. */
async function ownKey({ unscoped }: Transaction, viewer: UserViewer, id: string) {
  return unscoped
    .selectFrom('api_key')
    .select(['secret_hash as secretHash', 'expires_at as expiresAt', 'revoked_at as revokedAt'])
    .where('id', '=', id)
    .where('user_id', '=', viewer.userId)
    .where('organization_id', '=', viewer.organizationId)
    .executeTakeFirst()
}

async function demandKey(ctx: Context, id: string, action: string): Promise<ApiKeyRow> {
  const key = await findApiKey(ctx, id)
  if (key === null) throw new NotFound('API key', action, encodeTypeId('api_key', id))
  return key
}

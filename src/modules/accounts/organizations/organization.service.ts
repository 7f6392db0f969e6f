import { randomBytes } from 'node:crypto'
import { slugOf } from '../../../lib/slug.ts'
import { encodeTypeId } from '../../../lib/typeid.ts'
import type { Action } from '../../../platform/access.ts'
import type { JsonObject } from '../../../platform/channels/channel.entity.ts'
import type { Context } from '../../../platform/context.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { violatedConstraint } from '../../../platform/database/violated-constraint.ts'
import { EditConflict, NotFound, UserError } from '../../../platform/errors.ts'
import { pass, requireAction, requirePerson } from '../../../platform/gate.ts'
import { createManyOnce } from '../../../platform/idempotency.ts'
import { load } from '../../../platform/loaders.ts'
import { audit } from '../../audit/audit.service.ts'
import type { AgentTrustLevel } from '../agents/agent.policy.ts'
import { demandLiving, lockUser } from '../devices/device-session.service.ts'
import { tellViewer } from '../users/viewer.events.ts'
import { foundOrganization } from './active-organization.service.ts'
import type { Tier } from './organization.entity.ts'
import { tellOrganization } from './organization.events.ts'
import { findOrganization, type OrganizationRow, organizationById } from './organization.reads.ts'

/** Another organization has this slug. */
export class SlugTaken extends UserError {
  readonly code = 'SLUG_TAKEN'
  constructor() {
    super('Another organization has this slug.')
  }
}

/** Organizations that one person owns, deleted ones too for as long as they can be restored. */
export const MAX_OWNED = 100

/** The person owns as many organizations as they may. */
export class TooManyOrganizations extends UserError {
  readonly code = 'TOO_MANY_ORGANIZATIONS'
  constructor() {
    super(`You own ${MAX_OWNED} organizations already, with those that were deleted lately.`)
  }
}

/** A new organization. */
export interface CreateOrganization {
  readonly name: string
  /** Null: made of the name, with something added where that is taken. */
  readonly slug: string | null
  readonly idempotencyKey: string | null
}

/** What to change of an organization: undefined leaves a field as it is. */
export interface UpdateOrganization {
  readonly id: string
  readonly name: string | undefined
  readonly slug: string | undefined
  /** Replaced as a whole. */
  readonly settings: JsonObject | undefined
  /** Null lets no agent act. */
  readonly agentTrustLimit?: AgentTrustLevel | null | undefined
  readonly expectedVersion: number
}

/** The gate: the active organization, if that is it. @throws {NotFound | Forbidden} */
export async function getOrganization(ctx: Context, id: string, action: Action): Promise<OrganizationRow> {
  return pass(ctx, 'organization', await findOrganization(ctx, id), action, encodeTypeId('organization', id))
}

/**
 * Makes an organization that the viewer owns; they go on acting where they are.
 * @throws {SlugTaken | TooManyOrganizations | IdempotencyKeyReused}
 */
export async function createOrganization(ctx: Context, input: CreateOrganization): Promise<OrganizationRow> {
  const make = (slug: string) => createOnce(ctx, input, slug).catch(slugFacts)
  const made = slugOf(input.name, MADE_SLUG_LENGTH)
  const id = await make(input.slug ?? (isSlug(made) ? made : suffixed('workspace'))).catch((error: unknown) => {
    if (input.slug === null && error instanceof SlugTaken) return make(suffixed(made))
    throw error
  })
  const row = await load(ctx, organizationById, id)
  if (row === null) throw new NotFound('organization', 'organization.create', encodeTypeId('organization', id))
  return row
}

/** Changes the active organization. @throws {NotFound | Forbidden | EditConflict | SlugTaken} */
export async function updateOrganization(ctx: Context, input: UpdateOrganization): Promise<OrganizationRow> {
  const { id, name, slug, settings, agentTrustLimit, expectedVersion } = input
  const target = encodeTypeId('organization', id)
  await getOrganization(ctx, id, 'organization.update')
  await transact(ctx, async (tx) => {
    const changed = await tx.unscoped
      .updateTable('organization')
      .set((on) => ({
        version: on('version', '+', 1),
        ...(name !== undefined && { name }),
        ...(slug !== undefined && { slug }),
        ...(settings !== undefined && { settings }),
        ...(agentTrustLimit !== undefined && { agent_trust_limit: agentTrustLimit }),
      }))
      .where('id', '=', id)
      .where('version', '=', expectedVersion)
      .where('deleted_at', 'is', null)
      .executeTakeFirst()
    if (changed.numUpdatedRows === 0n) throw new EditConflict(target)
    await tellOrganization(tx, id)
    audit(ctx, tx, { action: 'organization.update', target })
  }).catch(slugFacts)
  return getOrganization(ctx, id, 'organization.read')
}

/** Says what an organization has paid for, any there is: platform admins alone. @throws {NotFound | Forbidden} */
export async function setOrganizationTier(ctx: Context, id: string, tier: Tier): Promise<void> {
  const target = encodeTypeId('organization', id)
  const { userId } = requireAction(ctx, 'organization.set_tier', target)
  await transact(ctx, async (tx) => {
    const changed = await tx.unscoped
      .updateTable('organization')
      .set((on) => ({ tier, version: on('version', '+', 1) }))
      .where('id', '=', id)
      .executeTakeFirst()
    if (changed.numUpdatedRows === 0n) throw new NotFound('organization', 'organization.set_tier', target)
    await tellOrganization(tx, id)
    // In the trail of the organization it was done to.
    audit(ctx, tx, { action: 'organization.set_tier', target, as: { userId, organizationId: id } })
  })
}

const MAX_SLUG_LENGTH = 48
/** With a hyphen and ten digits more it is still a slug. */
const MADE_SLUG_LENGTH = MAX_SLUG_LENGTH - 11

/** Whether a text may be a slug. Those of accounts' workspaces that were given up begin with `deleted-`. */
export function isSlug(text: string): boolean {
  if (text.length > MAX_SLUG_LENGTH || text.length < 3 || text.startsWith('deleted-')) return false
  return /^[a-z0-9]+(-[a-z0-9]+)*$/.test(text)
}

function suffixed(slug: string): string {
  return `${slug}-${randomBytes(5).toString('hex')}`
}

async function createOnce(ctx: Context, input: CreateOrganization, slug: string): Promise<string> {
  const viewer = requirePerson(ctx, 'organization.create')
  const { userId } = viewer
  const [id] = await createManyOnce(ctx, 'createOrganization', { ...input }, async (tx) => {
    await lockUser(tx, userId)
    await demandLiving(tx, viewer)
    if ((await ownedBy(tx, userId)) >= MAX_OWNED) throw new TooManyOrganizations()
    const organizationId = foundOrganization(tx, { name: input.name, slug, userId })
    const target = encodeTypeId('organization', organizationId)
    audit(ctx, tx, { action: 'organization.create', target, as: { userId, organizationId } })
    await tx.em.flush()
    await tellViewer(tx, userId, { type: 'ViewerUpdated' })
    return [organizationId]
  })
  if (id === undefined) throw new Error('An idempotency key is held by nothing')
  return id
}

async function ownedBy({ unscoped }: Transaction, userId: string): Promise<number> {
  const { count } = await unscoped
    .selectFrom('membership')
    .select((on) => on.fn.countAll<number>().as('count'))
    .where('user_id', '=', userId)
    .where('role', '=', 'OWNER')
    .executeTakeFirstOrThrow()
  return count
}

function slugFacts(error: unknown): never {
  if (violatedConstraint(error)?.includes('slug')) throw new SlugTaken()
  throw error
}

import { sql } from 'kysely'
import { encodeTypeId } from '../../../lib/typeid.ts'
import { appendEvents, type NewChannelEvent } from '../../../platform/channels/log.ts'
import type { Context, Platform, UserViewer } from '../../../platform/context.ts'
import type { Transaction } from '../../../platform/database/transact.ts'
import { Denial, Forbidden, NotFound } from '../../../platform/errors.ts'
import { requireAction, requirePerson } from '../../../platform/gate.ts'
import { newUuid } from '../../../platform/uuid.ts'
import { auditEach } from '../../audit/audit.service.ts'
import { demandLiving } from '../devices/device-session.service.ts'
import { nameKey } from '../users/user.service.ts'
import { tellViewer } from '../users/viewer.events.ts'
import type { administrationActions } from './administration.policy.ts'

/** The platform has no other administrator who could get in: make somebody one first. */
export class LastPlatformAdmin extends Denial {
  readonly code = 'LAST_PLATFORM_ADMIN'
  constructor(action: string, target: string) {
    super('You are the last administrator of the platform. Make somebody else one first.', action, target)
  }
}

/** Administrators do not suspend, delete or demote themselves: another one has to. */
export class OwnAdministration extends Denial {
  readonly code = 'OWN_ADMINISTRATION'
  constructor(action: string, target: string) {
    super('You cannot do this to yourself. Another administrator of the platform can.', action, target)
  }
}

type AdministrationAction = keyof typeof administrationActions

/** Somebody's account as it stands, for whoever is about to change it. */
export interface HeldAccount {
  readonly id: string
  readonly email: string
  readonly suspendedAt: Date | null
}

/** The gate of all that is done to people: the administrator who does it. @throws {Unauthenticated | Forbidden} */
export function requireAdministrator(
  ctx: Context,
  action: AdministrationAction,
  target: string | null = null,
): UserViewer {
  const viewer = requirePerson(ctx, action, target)
  requireAction(ctx, action, target)
  return viewer
}

/**
 * Holds the rows of an administrator and of whom they deal with, and demands that the one still is one and the other has
 * an account. Of two who turn on each other the second finds that they are none any more: so, and since nobody takes the
 * office from themselves, one is always left.
 * @throws {Unauthenticated | Forbidden | NotFound}
 */
export async function holdAccount(
  tx: Transaction,
  viewer: UserViewer,
  userId: string,
  action: AdministrationAction,
): Promise<HeldAccount> {
  const target = encodeTypeId('user', userId)
  const rows = await tx.unscoped
    .selectFrom('user')
    .select(['id', 'email', 'suspended_at as suspendedAt', 'deleted_at as deletedAt'])
    .select('is_platform_admin as isPlatformAdmin')
    .where('id', 'in', [viewer.userId, userId])
    .orderBy('id')
    .forNoKeyUpdate()
    .execute()
  await demandLiving(tx, viewer)
  const administrator = rows.find(({ id }) => id === viewer.userId)
  if (administrator?.isPlatformAdmin !== true || administrator.suspendedAt !== null) throw new Forbidden(action, target)
  const account = rows.find(({ id }) => id === userId)
  if (account === undefined || account.deletedAt !== null) throw new NotFound('user', action, target)
  return account
}

/**
 * Holds the row of a person who is about to leave, and those of all administrators: of the last two who leave at once one
 * stays. @throws {LastPlatformAdmin}
 */
export async function lockLeaver(tx: Transaction, userId: string, action: string): Promise<void> {
  const rows = await tx.unscoped
    .selectFrom('user')
    .select(['id', 'is_platform_admin as isPlatformAdmin', 'suspended_at as suspendedAt'])
    .where(({ or, eb }) => or([eb('id', '=', userId), sql<boolean>`is_platform_admin`]))
    .orderBy('id')
    .forNoKeyUpdate()
    .execute()
  const isAdministrator = rows.some(({ id, isPlatformAdmin }) => id === userId && isPlatformAdmin)
  const hasOthers = rows.some(({ id, suspendedAt }) => id !== userId && suspendedAt === null)
  if (isAdministrator && !hasOthers) throw new LastPlatformAdmin(action, encodeTypeId('user', userId))
}

/** What a grant came to. */
export interface Grant {
  readonly email: string
  /** False when they were, or were not, one before. */
  readonly hasChanged: boolean
  readonly isSuspended: boolean
  /** How many administrators who can get in the platform has now. */
  readonly administrators: number
}

/** There is no account with this address. */
export class UnknownAddress extends Error {
  constructor(email: string) {
    super(`Nobody has an account with the address ${email}.`)
  }
}

/**
 * Makes whoever has this address an administrator of the platform, or no longer one: for the operator at the machine, who
 * may take the office from the last one as well. Running servers follow within 2 s. @throws {UnknownAddress}
 */
export async function setPlatformAdmin(
  { database, clock }: Pick<Platform, 'database' | 'clock'>,
  email: string,
  isPlatformAdmin: boolean,
): Promise<Grant> {
  return database.unscoped.transaction().execute(async (unscoped) => {
    const now = clock.now()
    const users = unscoped
      .selectFrom('user')
      .select(['id', 'email', 'suspended_at as suspendedAt', 'is_platform_admin as was'])
    const user = await users.where('email_key', '=', nameKey(email)).forNoKeyUpdate().executeTakeFirst()
    if (user === undefined) throw new UnknownAddress(email)
    const hasChanged = user.was !== isPlatformAdmin
    if (hasChanged) {
      await unscoped
        .updateTable('user')
        .set({ is_platform_admin: isPlatformAdmin, updated_at: now })
        .where('id', '=', user.id)
        .execute()
      const action = isPlatformAdmin ? 'user.grant_admin' : 'user.revoke_admin'
      await auditEach(
        { viewer: { kind: 'anonymous', reason: null }, request: { id: newUuid(now), address: null, userAgent: null } },
        { unscoped, now },
        [{ action, target: encodeTypeId('user', user.id), as: { userId: null, organizationId: null } }],
      )
      const events: NewChannelEvent[] = []
      const tx = { unscoped, record: (event: NewChannelEvent) => void events.push(event), movedOn: () => undefined }
      await tellViewer(tx, user.id, { type: 'ViewerUpdated' })
      await appendEvents(unscoped, events, now)
    }
    const { count } = await unscoped
      .selectFrom('user')
      .select((on) => on.fn.countAll<number>().as('count'))
      .where(sql<boolean>`is_platform_admin and suspended_at is null`)
      .executeTakeFirstOrThrow()
    return { email: user.email, hasChanged, isSuspended: user.suspendedAt !== null, administrators: count }
  })
}

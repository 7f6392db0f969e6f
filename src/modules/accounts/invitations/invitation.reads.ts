import { type RawBuilder, sql } from 'kysely'
import { isAtLeast, type Role, roles, rolesIncluding } from '../../../platform/access.ts'
import type { Context, Platform } from '../../../platform/context.ts'
import { keyset, type Window } from '../../../platform/database/keyset.ts'
import { may } from '../../../platform/gate.ts'
import { defineLoader, load } from '../../../platform/loaders.ts'
import { openLinkToken } from '../verification/mail-link.service.ts'

/** A place that was offered, as those see it who may offer one. */
export interface InvitationRow {
  readonly id: string
  readonly email: string
  readonly role: Role
  readonly invitedById: string
  readonly createdAt: Date
  readonly expiresAt: Date
  readonly acceptedAt: Date | null
  readonly revokedAt: Date | null
}

/** What the holder of a link is told of the offer, before they sign in. */
export interface InvitationOffer {
  readonly organizationName: string
  readonly role: Role
  readonly inviterName: string
  readonly email: string
  readonly expiresAt: Date
}

const columns = [
  'invitation.id',
  'invitation.email',
  'invitation.role',
  'invitation.invited_by_id as invitedById',
  'invitation.created_at as createdAt',
  'invitation.expires_at as expiresAt',
  'invitation.accepted_at as acceptedAt',
  'invitation.revoked_at as revokedAt',
] as const

/** Invitations of the viewer's organization by id, open or not. */
export const invitationById = defineLoader<string, InvitationRow>({
  name: 'invitationById',
  batch: async (db, ids) => {
    const rows = await db.from('invitation').select(columns).where('invitation.id', 'in', ids).execute()
    return new Map(rows.map((row) => [row.id, row]))
  },
})

/** Finds an invitation of the viewer's organization, open or not, or null. */
export async function findInvitation(ctx: Context, id: string): Promise<InvitationRow | null> {
  return may(ctx, 'invitation.read') ? load(ctx, invitationById, id) : null
}

/** The open invitations of the active organization, newest first. */
export async function listInvitations(ctx: Context, window: Window): Promise<InvitationRow[]> {
  return keyset(openOnes(ctx).select(columns), ['invitation.id'], 'desc', window).execute()
}

/** How many `listInvitations` has in all. */
export async function countInvitations(ctx: Context): Promise<number> {
  const { count } = await openOnes(ctx)
    .select((on) => on.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return count
}

/** What the link with this token offers; null for one that is no longer open, and for what was never a link of ours. */
export async function findOffer({ platform }: Context, token: string): Promise<InvitationOffer | null> {
  const id = await invitationIn(platform, token)
  if (id === null) return null
  const row = await platform.database.unscoped
    .selectFrom('invitation')
    .innerJoin('organization', 'organization.id', 'invitation.organization_id')
    .innerJoin('user', 'user.id', 'invitation.invited_by_id')
    .select(['organization.name as organizationName', 'user.display_name as inviterName'])
    .select(['invitation.role', 'invitation.email', 'invitation.expires_at as expiresAt'])
    .where('invitation.id', '=', id)
    .where('invitation.accepted_at', 'is', null)
    .where('invitation.revoked_at', 'is', null)
    .where('invitation.expires_at', '>', platform.clock.now())
    .where('organization.deleted_at', 'is', null)
    .where(isStillOffered())
    .executeTakeFirst()
  return row ?? null
}

/**
 * Whether whoever made an offer could still make it: they have an account that is not suspended, and a role in the
 * organization that may offer this one. For statements on `invitation`.
 */
export function isStillOffered(): RawBuilder<boolean> {
  const offers = rolesIncluding('invitation.create').map((role) => {
    const offered = roles.filter((other) => isAtLeast(role, other))
    return sql`(inviting.role = ${role} and invitation.role in (${sql.join(offered)}))`
  })
  return sql<boolean>`exists (
    select from membership as inviting join "user" as inviter_now on inviter_now.id = inviting.user_id
    where inviting.organization_id = invitation.organization_id and inviting.user_id = invitation.invited_by_id
      and inviter_now.suspended_at is null and inviter_now.deleted_at is null
      and (${sql.join(offers, sql` or `)})
  )`
}

/** The id of the invitation that a token is for; null for one of another kind, or that is none of ours. Never throws for a bad one. */
export async function invitationIn(platform: Platform, token: string): Promise<string | null> {
  const opened = await openLinkToken(platform, token).catch(() => null)
  return opened?.use === 'INVITE' ? opened.id : null
}

function openOnes({ db, platform }: Context) {
  return db
    .from('invitation')
    .where('invitation.accepted_at', 'is', null)
    .where('invitation.revoked_at', 'is', null)
    .where('invitation.expires_at', '>', platform.clock.now())
}

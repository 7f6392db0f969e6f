import { z } from 'zod'
import { defineNamespace } from '../../../platform/cache.ts'
import type { ActingViewer, Context, Platform } from '../../../platform/context.ts'
import { NotFound } from '../../../platform/errors.ts'
import { agentTrustLevels } from '../agents/agent.policy.ts'
import { tiers } from '../organizations/organization.entity.ts'
import { userColumns } from './user.reads.ts'

const profiles = defineNamespace({
  name: 'viewer',
  schema: z.object({
    user: z.object({
      id: z.uuid(),
      displayName: z.string(),
      username: z.string().nullable(),
      avatarUrl: z.string().nullable(),
      email: z.string(),
      emailVerifiedAt: z.coerce.date().nullable(),
      createdAt: z.coerce.date(),
      suspendedAt: z.coerce.date().nullable(),
      isPlatformAdmin: z.boolean(),
    }),
    organization: z.object({
      id: z.uuid(),
      name: z.string(),
      slug: z.string(),
      tier: z.enum(tiers),
      settings: z.record(z.string(), z.json()),
      agentTrustLimit: z.enum(agentTrustLevels).nullable(),
      version: z.number(),
      createdAt: z.coerce.date(),
    }),
    preferences: z.record(z.string(), z.json()),
  }),
})

/** A viewer's own rows: asked for by nearly every page a front end shows. */
export type ViewerProfile = z.infer<typeof profiles.schema>

/** The viewer's own rows, from the cache for as long as their access version stands. @throws {NotFound} */
export function profileOf({ platform }: Pick<Context, 'platform'>, viewer: ActingViewer): Promise<ViewerProfile> {
  const { userId, organizationId, accessVersion } = viewer
  return platform.cache.read(profiles, `${userId}:${organizationId}`, accessVersion, () =>
    readProfile(platform, viewer),
  )
}

/** Takes a viewer's rows out of the cache at once, the shared one too: they were changed, or are to be kept no longer. */
export async function forgetProfile(
  { cache }: Platform,
  { userId, organizationId }: Pick<ActingViewer, 'userId' | 'organizationId'>,
): Promise<void> {
  await cache.drop(profiles, `${userId}:${organizationId}`)
}

async function readProfile({ database }: Platform, viewer: ActingViewer): Promise<ViewerProfile> {
  const row = await database.unscoped
    .selectFrom('membership')
    .innerJoin('user', 'user.id', 'membership.user_id')
    .innerJoin('organization', 'organization.id', 'membership.organization_id')
    .select(userColumns)
    .select(['user.preferences', 'organization.slug', 'organization.name', 'organization.created_at as foundedAt'])
    .select(['organization.tier', 'organization.settings', 'organization.version'])
    .select('organization.agent_trust_limit as agentTrustLimit')
    .where('membership.user_id', '=', viewer.userId)
    .where('membership.organization_id', '=', viewer.organizationId)
    .executeTakeFirst()
  if (row === undefined) throw new NotFound('user')
  const { slug, name, tier, settings, agentTrustLimit, version, foundedAt, preferences, ...user } = row
  const facts = { name, slug, tier, settings, agentTrustLimit, version }
  const organization = { id: viewer.organizationId, ...facts, createdAt: foundedAt }
  return profiles.schema.parse({ user, organization, preferences })
}

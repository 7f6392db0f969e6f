import { sql } from 'kysely'
import { describe, expect } from 'vitest'
import {
  CreateOrganizationDocument,
  type CreateOrganizationInput,
  OrganizationDocument,
  SetOrganizationTierDocument,
  UpdateOrganizationDocument,
  type UpdateOrganizationInput,
  ViewerDocument,
} from '../../../gql/graphql.ts'
import { makePlatformAdmin, setRole, trailOf } from '../../../kit/inside.ts'
import { found } from '../../../kit/organizations.ts'
import { type Person, uuidIn } from '../../../kit/people.ts'
import { post } from '../../../kit/post.ts'
import { test } from '../../../kit/test.ts'

async function create(person: Person, input: CreateOrganizationInput) {
  return (await person.mutate(CreateOrganizationDocument, { input })).createOrganization
}

async function update(person: Person, input: Omit<UpdateOrganizationInput, 'id'>) {
  const whole = { id: person.organizationId, ...input }
  return (await person.mutate(UpdateOrganizationDocument, { input: whole })).updateOrganization
}

async function read(person: Person, id?: string) {
  return (await person.query(OrganizationDocument, { ...(id !== undefined && { id }) })).organization
}

const code = (answer: { errors?: readonly { extensions: Record<string, unknown> }[] }) =>
  answer.errors?.[0]?.extensions.code

describe('founding an organization', () => {
  test('makes one that the founder owns, and they go on acting where they are', async ({ alice }) => {
    const made = await create(alice, { name: '  Ängström & Co ' })
    expect(made).toMatchObject({ name: 'Ängström & Co', tier: 'FREE', settings: {}, agentTrustLimit: 'WRITE' })
    const { viewer } = await alice.query(ViewerDocument, {})
    expect(viewer?.organization.id).toBe(alice.organizationId)
    expect(viewer?.memberships.nodes).toMatchObject([
      { role: 'OWNER', organization: { id: alice.organizationId } },
      { role: 'OWNER', organization: { name: 'Ängström & Co' } },
    ])
  })

  test('is over at a hundred that one owns, also for two made at once', async ({ server, alice }) => {
    const { unscoped } = server.app.platform.database
    await sql`with made as (
        insert into organization (id, name, slug, tier, settings, access_epoch, version, created_at)
        select gen_random_uuid(), 'One of many', 'many-' || gen_random_uuid(), 'FREE', '{}', 0, 1, now()
        from generate_series(1, 98) returning id)
      insert into membership (id, organization_id, user_id, role, joined_at)
      select gen_random_uuid(), id, ${uuidIn(alice.userId)}, 'OWNER', now() from made`.execute(unscoped)
    const both = await Promise.all([create(alice, { name: 'Last' }), create(alice, { name: 'Too many' })])
    expect(both.map(({ __typename }) => __typename).toSorted()).toEqual(['Organization', 'TooManyOrganizations'])
  })

  test('makes a slug of the name, with something added where that is taken or nothing is left', async ({ alice }) => {
    const name = `Slug ${alice.userId.slice(-12)}`
    const slug = name.toLowerCase().replace(' ', '-')
    expect(await create(alice, { name })).toMatchObject({ slug })
    expect(await create(alice, { name })).toMatchObject({ slug: expect.stringMatching(`^${slug}-[0-9a-f]{10}$`) })
    expect(await create(alice, { name: '海' })).toMatchObject({
      slug: expect.stringMatching(/^workspace-[0-9a-f]{10}$/),
    })
    expect(await create(alice, { name, slug })).toMatchObject({ __typename: 'SlugTaken', code: 'SLUG_TAKEN' })
  })

  test('takes no slug that is none, or that stands for what was given up', async ({ alice }) => {
    for (const slug of ['ab', 'Upper', 'a--b', '-ab', 'ab-', 'a b', 'ü-ü', 'x'.repeat(49), 'deleted-a']) {
      expect(await create(alice, { name: 'x', slug }), slug).toMatchObject({ fields: [{ path: ['slug'] }] })
    }
  })

  test('under one key makes one, and under another input tells', async ({ alice }) => {
    const input = { name: 'Once', idempotencyKey: 'once' }
    const [first, second] = await Promise.all([create(alice, input), create(alice, input)])
    expect(first).toMatchObject({ id: expect.any(String) })
    expect(second).toEqual(first)
    expect(await create(alice, { ...input, name: 'Twice' })).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' })
    expect((await alice.query(ViewerDocument, {})).viewer?.memberships.nodes).toHaveLength(2)
  })
})

describe('the active organization', () => {
  test('is found without an id or by its own, and no other by any', async ({ alice, stranger }) => {
    expect((await read(alice))?.id).toBe(alice.organizationId)
    expect((await read(alice, alice.organizationId))?.id).toBe(alice.organizationId)
    for (const id of [await found(alice), stranger.organizationId, alice.userId, 'garbage'])
      expect(await read(alice, id), id).toBeNull()
  })

  test('is changed in what is named alone, and others see it at once', async ({ alice, bob }) => {
    await bob.query(ViewerDocument, {})
    expect(await update(alice, { name: 'Renamed', settings: { a: [1] }, expectedVersion: 1 })).toMatchObject({
      name: 'Renamed',
      settings: { a: [1] },
      agentTrustLimit: 'WRITE',
      version: 2,
    })
    expect((await bob.query(ViewerDocument, {})).viewer?.organization.name).toBe('Renamed')
    expect(await update(alice, { agentTrustLimit: null, expectedVersion: 2 })).toMatchObject({
      name: 'Renamed',
      agentTrustLimit: null,
      version: 3,
    })
    expect(await read(bob)).toMatchObject({ settings: { a: [1] }, agentTrustLimit: null, invitations: null })
  })

  test('is not changed by whoever saw an older version, who is shown the newest', async ({ alice }) => {
    const changes = ['One', 'Two', 'Three'].map((name) => update(alice, { name, expectedVersion: 1 }))
    const results = await Promise.all(changes)
    const [done] = results.filter((result) => result.__typename === 'Organization')
    const conflicts = results.filter((result) => result.__typename === 'EditConflict')
    expect(conflicts).toHaveLength(2)
    const current = { id: alice.organizationId, name: done?.name, version: 2 }
    for (const conflict of conflicts) expect(conflict).toMatchObject({ code: 'EDIT_CONFLICT', current })
  })

  test('keeps its slug from others, and its settings small', async ({ alice, stranger }) => {
    const theirs = (await read(stranger))?.slug ?? ''
    expect(await update(alice, { slug: theirs, expectedVersion: 1 })).toMatchObject({ code: 'SLUG_TAKEN' })
    for (const settings of [[], 'text', { text: 'x'.repeat(16_384) }])
      expect(await update(alice, { settings, expectedVersion: 1 })).toMatchObject({ fields: [{ path: ['settings'] }] })
    expect(await read(alice)).toMatchObject({ settings: {}, version: 1 })
  })

  test('is changed by administrators alone: others leave a denied row', async ({ server, alice, bob }) => {
    const input = { id: alice.organizationId, name: 'Taken', expectedVersion: 1 }
    const authorization = `Bearer ${bob.tokens.accessToken}`
    const answer = await post(server.url, { document: UpdateOrganizationDocument, variables: { input }, authorization })
    expect(answer.text).toContain('FORBIDDEN')
    const denied = { action: 'organization.update', target: alice.organizationId, outcome: 'denied' }
    expect(await trailOf(server, answer)).toMatchObject([{ ...denied, actor: bob.userId }])
    await setRole(server, bob, 'ADMIN')
    expect(await update(bob, { name: 'Theirs', expectedVersion: 1 })).toMatchObject({ name: 'Theirs' })
    expect((await read(bob))?.viewerCan).toContain('organization.update')
    expect((await read(bob))?.viewerCan).not.toContain('organization.delete')
  })
})

describe('a tier', () => {
  test('is set by administrators of the platform, anywhere, and shows nothing else', async ({
    server,
    alice,
    stranger,
  }) => {
    const set = (id: string) => alice.send(SetOrganizationTierDocument, { input: { id, tier: 'ENTERPRISE' } })
    // Its owner least of all.
    expect(code(await set(alice.organizationId))).toBe('FORBIDDEN')
    await makePlatformAdmin(server, alice)
    expect((await set(stranger.organizationId)).data?.setOrganizationTier).toEqual({
      __typename: 'OrganizationTier',
      organizationId: stranger.organizationId,
      tier: 'ENTERPRISE',
    })
    expect(code(await set('organization_01h00000000000000000000000'))).toBe('NOT_FOUND')
    expect(await read(stranger)).toMatchObject({ tier: 'ENTERPRISE', version: 2 })
    const trail = await trailOf(server, { organizationId: stranger.organizationId })
    expect(trail.at(-1)).toMatchObject({ action: 'organization.set_tier', actor: alice.userId })
    expect(trail.at(-1)?.organization_id).toBe(uuidIn(stranger.organizationId))
  })
})

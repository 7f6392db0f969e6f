import { describe, expect } from 'vitest'
import { MOST_MILLIONTHS } from '../../../../src/lib/credits.ts'
import { MOST_GRANTED } from '../../../../src/modules/usage/credits/credits.service.ts'
import { allActions, isGrantable } from '../../../../src/platform/access.ts'
import { GrantCreditsDocument, type GrantCreditsInput, OrganizationDocument } from '../../../gql/graphql.ts'
import type { Client } from '../../../kit/client.ts'
import { trailOf } from '../../../kit/inside.ts'
import { found, foundAndDelete } from '../../../kit/organizations.ts'
import { type Person, signIn, signUpInto, uuidIn } from '../../../kit/people.ts'
import { makeAgent, makeKey, programOf, tokenOf } from '../../../kit/programs.ts'
import { openChat } from '../../../kit/test.ts'
import { booksOf, creditsOf, endMonth, expectSoundBooks, grant, MONTHLY, sendAndWait, test } from '../stage.ts'

/** What a grant comes to: the type of its answer and what that says, or the code of the error. */
async function granted(
  by: Client,
  { organizationId }: Pick<Person, 'organizationId'>,
  more: Partial<GrantCreditsInput>,
) {
  const input = { organizationId, amountMillionths: '500', ...more }
  const { data, errors } = await by.send(GrantCreditsDocument, { input })
  return data?.grantCredits ?? String(errors?.[0]?.extensions.code)
}

/** What can be spent as somebody sees it who may see little else of their organization. */
async function seenBy(client: Client): Promise<string | null> {
  const text = '{ organization { credits { availableMillionths } } }'
  const { data } = await client.send<Seen, object>(text)
  if (!data?.organization) throw new Error('There is no organization to see')
  return data.organization.credits?.availableMillionths ?? null
}

interface Seen {
  readonly organization: { readonly credits: { readonly availableMillionths: string } | null } | null
}

describe('credits that are granted', () => {
  test('are there at once beside the allowance, and in the books and the trail', async ({ clocked, admin, alice }) => {
    expect(await granted(admin, alice, {})).toMatchObject({
      __typename: 'CreditBalance',
      organizationId: alice.organizationId,
      availableMillionths: String(MONTHLY + 500n),
      grantedMillionths: '500',
    })
    await grant(admin, alice, 700n)
    expect(await creditsOf(alice)).toMatchObject({ granted: 1_200n, allowance: MONTHLY, available: MONTHLY + 1_200n })
    expect(await booksOf(clocked, alice)).toMatchObject({ issued: MONTHLY + 1_200n, balance: { granted: 1_200n } })
    await expectSoundBooks(clocked, alice)
    expect((await trailOf(clocked, alice)).at(-1)).toMatchObject({
      action: 'credits.grant',
      actor: admin.userId,
      target: expect.stringMatching(/^grant_/),
      outcome: 'allowed',
    })
  })

  test('stay over the end of a month, with which the allowance lapses', async ({ clocked, admin, alice }) => {
    await grant(admin, alice, 500n)
    const answer = await sendAndWait(alice, (await openChat(alice)).id)
    expect(await creditsOf(alice)).toMatchObject({
      granted: 500n,
      allowance: MONTHLY - BigInt(answer.costMillionths ?? 0),
    })
    endMonth(clocked)
    const later = await signIn(clocked, alice.email)
    expect(await creditsOf(later)).toMatchObject({ granted: 500n, allowance: MONTHLY, available: MONTHLY + 500n })
    await later.close()
  })

  test.for(['0', '-1', '-500', String(MOST_GRANTED + 1n), '9'.repeat(38), `-${'9'.repeat(38)}`])(
    'are not %s',
    async (amountMillionths, { admin, alice }) => {
      expect(await granted(admin, alice, { amountMillionths })).toMatchObject({
        __typename: 'InvalidInput',
        fields: [{ path: ['amountMillionths'] }],
      })
      expect(await creditsOf(alice)).toMatchObject({ granted: 0n })
    },
  )

  test.for(['', ' 1', '1.5', '1e3', '0x10', 'many', '9'.repeat(39), 1.5, 2 ** 53, true, null])(
    'are no %j, which is no whole number',
    async (amount, { admin, alice }) => {
      expect(await granted(admin, alice, { amountMillionths: amount as never })).toBe('BAD_REQUEST')
      expect(await creditsOf(alice)).toMatchObject({ granted: 0n })
    },
  )

  test('are a million at most at once, and never more than an organization can have', async ({
    clocked,
    admin,
    alice,
    stranger,
  }) => {
    expect(await granted(admin, stranger, { amountMillionths: String(MOST_GRANTED) })).toMatchObject({
      grantedMillionths: String(MOST_GRANTED),
    })
    await grant(admin, alice, 1n)
    // By hand: it would take a thousand grants.
    await clocked.app.platform.database.unscoped
      .updateTable('credit_balance')
      .set({ granted: MOST_MILLIONTHS - MONTHLY - 10n })
      .where('organization_id', '=', uuidIn(alice.organizationId))
      .execute()
    expect(await granted(admin, alice, { amountMillionths: '11' })).toMatchObject({
      __typename: 'InvalidInput',
      fields: [{ path: ['amountMillionths'], message: 'is more than an organization can have' }],
    })
    expect(await granted(admin, alice, { amountMillionths: '10' })).toMatchObject({
      availableMillionths: String(MOST_MILLIONTHS),
    })
  })

  test('are for organizations that there are', async ({ admin, alice }) => {
    const ids = ['organization_01h00000000000000000000000', await foundAndDelete(alice)]
    for (const organizationId of ids) expect(await granted(admin, { organizationId }, {})).toBe('NOT_FOUND')
    for (const organizationId of [alice.userId, 'nonsense', ''])
      expect(await granted(admin, { organizationId }, {})).toSatisfy(
        (answer) => answer === 'NOT_FOUND' || answer.__typename === 'InvalidInput',
      )
  })

  test('come once for a key, however often and by however many at once it is sent', async ({
    clocked,
    admin,
    alice,
  }) => {
    const once = { idempotencyKey: `once-${alice.organizationId}` }
    const answers = await Promise.all(Array.from({ length: 5 }, () => granted(admin, alice, once)))
    for (const answer of answers) expect(answer).toMatchObject({ grantedMillionths: '500' })
    expect(await granted(admin, alice, once)).toMatchObject({ grantedMillionths: '500' })
    expect(await creditsOf(alice)).toMatchObject({ granted: 500n })
    await expectSoundBooks(clocked, alice)
  })

  test('of a key that was used are of the same amount for the same organization', async ({
    admin,
    alice,
    stranger,
  }) => {
    const once = { idempotencyKey: `reused-${alice.organizationId}` }
    await granted(admin, alice, once)
    const reused = { __typename: 'IdempotencyKeyReused', code: 'IDEMPOTENCY_KEY_REUSED' }
    expect(await granted(admin, alice, { ...once, amountMillionths: '501' })).toMatchObject(reused)
    expect(await granted(admin, stranger, once)).toMatchObject(reused)
    expect([await creditsOf(alice), await creditsOf(stranger)]).toMatchObject([{ granted: 500n }, { granted: 0n }])
  })

  test('are given by administrators of the platform alone, and by none of their programs', async ({
    clocked,
    admin,
    alice,
    bob,
    anonymous,
  }) => {
    for (const by of [alice, bob]) expect(await granted(by, alice, {})).toBe('FORBIDDEN')
    expect(await granted(anonymous, alice, {})).toBe('UNAUTHENTICATED')
    const permissions = allActions().filter(isGrantable)
    const key = await makeKey(admin, { permissions })
    const agent = await makeAgent(admin, { permissions })
    for (const secret of [key.secret, await tokenOf(admin, agent)]) {
      const program = programOf(admin, secret)
      for (const to of [alice, admin]) expect(await granted(program, to, {})).toBe('FORBIDDEN')
      await program.close()
    }
    expect([await creditsOf(alice), await creditsOf(admin)]).toMatchObject([{ granted: 0n }, { granted: 0n }])
    expect(await trailOf(clocked, alice)).toContainEqual(
      expect.objectContaining({ action: 'credits.grant', actor: bob.userId, outcome: 'denied' }),
    )
  })
})

describe('what an organization can spend', () => {
  test('is seen by its members, but not by its guests', async ({ clocked, alice }) => {
    const viewer = await signUpInto(clocked, alice, 'Viewer', 'VIEWER')
    const guest = await signUpInto(clocked, alice, 'Guest', 'GUEST')
    expect(await creditsOf(viewer)).toMatchObject({ available: MONTHLY })
    expect(await seenBy(guest)).toBeNull()
    for (const person of [viewer, guest]) await person.close()
  })

  test('is seen by programs that were given `credits.read`, and by no others', async ({ alice }) => {
    const needed = ['organization.read']
    const secrets = async (permissions: string[]) => [
      (await makeKey(alice, { permissions })).secret,
      await tokenOf(alice, await makeAgent(alice, { permissions, trustLevel: 'READ_ONLY' })),
    ]
    for (const [permissions, seen] of [
      [needed, null],
      [[...needed, 'credits.read'], String(MONTHLY)],
    ] as const) {
      for (const secret of await secrets([...permissions])) {
        const program = programOf(alice, secret)
        expect(await seenBy(program)).toBe(seen)
        await program.close()
      }
    }
  })

  test('is seen where one acts alone, not by administrators of the platform either', async ({ admin, alice }) => {
    const other = await found(alice)
    const text = '{ viewer { memberships { nodes { organization { id credits { availableMillionths } } } } } }'
    const { data } = await alice.send<{ viewer: { memberships: { nodes: unknown[] } } }, object>(text)
    const nodes = [
      { organization: { id: alice.organizationId, credits: { availableMillionths: String(MONTHLY) } } },
      { organization: { id: other, credits: null } },
    ]
    expect(data?.viewer.memberships.nodes).toHaveLength(2)
    expect(data?.viewer.memberships.nodes).toEqual(expect.arrayContaining(nodes))
    const { organization } = (await admin.send(OrganizationDocument, { id: alice.organizationId })).data ?? {}
    expect(organization ?? null).toBeNull()
  })

  test('says when the next allowance comes', async ({ clocked, alice }) => {
    const { renewsAt, monthlyAllowanceMillionths } = await creditsOf(alice)
    expect(renewsAt).toMatch(/^\d{4}-\d{2}-01T00:00:00\.000Z$/)
    expect(new Date(renewsAt).getTime()).toBeGreaterThan(clocked.clock.now().getTime())
    expect(monthlyAllowanceMillionths).toBe(String(MONTHLY))
  })
})

import { describe, expect } from 'vitest'
import { setPlatformAdmin } from '../../../../src/modules/accounts/administration/platform-admin.service.ts'
import { suspendUser } from '../../../../src/modules/accounts/administration/suspension.service.ts'
import { isAllowed } from '../../../../src/platform/access.ts'
import {
  DeleteAccountDocument,
  DeleteUserDocument,
  LogoutDocument,
  SuspendUserDocument,
  UpdateUserDocument,
  ViewerDocument,
  ViewerEventsDocument,
} from '../../../gql/graphql.ts'
import { codeOf, test } from '../../../kit/administrators.ts'
import { contextOf, makePlatformAdmin } from '../../../kit/inside.ts'
import { type Person, signUp, uuidIn } from '../../../kit/people.ts'
import type { TestServer } from '../../../kit/server.ts'

/** Leaves the platform these administrators, and no others. */
async function onlyAdmins(server: TestServer, ...admins: readonly Person[]): Promise<void> {
  const { unscoped } = server.app.platform.database
  const ids = admins.map(({ userId }) => uuidIn(userId))
  await unscoped.updateTable('user').set({ is_platform_admin: false }).where('id', 'not in', ids).execute()
  for (const admin of admins) await makePlatformAdmin(server, admin)
}

async function adminsOf({ app }: TestServer): Promise<string[]> {
  const users = app.platform.database.unscoped.selectFrom('user').select('id').where('is_platform_admin', '=', true)
  return (await users.where('suspended_at', 'is', null).execute()).map(({ id }) => id)
}

const attacks = {
  demotes: (by: Person, id: string) => by.send(UpdateUserDocument, { input: { id, isPlatformAdmin: false } }),
  suspends: (by: Person, id: string) => by.send(SuspendUserDocument, { input: { id } }),
  deletes: (by: Person, id: string) => by.send(DeleteUserDocument, { input: { id } }),
}

describe('one administrator is always left', () => {
  test.for([
    ['demotes', 'demotes'],
    ['suspends', 'deletes'],
    ['deletes', 'demotes'],
  ] as const)('when one %s the other, who %s the one at once', async ([first, second], { clocked, admin, alice }) => {
    await onlyAdmins(clocked, admin, alice)
    const answers = await Promise.all([attacks[first](admin, alice.userId), attacks[second](alice, admin.userId)])
    expect(answers.map(codeOf).filter((code) => code === null)).toHaveLength(1)
    expect(answers.map(codeOf).filter((code) => code !== null)).toEqual([
      expect.stringMatching(/^(FORBIDDEN|UNAUTHENTICATED|NOT_FOUND)$/),
    ])
    expect(await adminsOf(clocked)).toHaveLength(1)
  })

  test('whatever they do to themselves', async ({ clocked, admin }) => {
    await onlyAdmins(clocked, admin)
    for (const attack of Object.values(attacks)) {
      const { data } = await attack(admin, admin.userId)
      expect(Object.values(data ?? {})).toMatchObject([{ code: 'OWN_ADMINISTRATION' }])
    }
    const input = { password: admin.password }
    const leave = () => admin.mutate(DeleteAccountDocument, { input })
    expect((await leave()).deleteAccount).toMatchObject({ code: 'LAST_PLATFORM_ADMIN' })
    const heir = await signUp(clocked, 'Heir')
    await makePlatformAdmin(clocked, heir)
    expect((await leave()).deleteAccount.__typename).toBe('Acknowledged')
    expect(await adminsOf(clocked)).toEqual([uuidIn(heir.userId)])
    await heir.close()
  })

  test('when the last two leave at once', async ({ clocked, admin, alice }) => {
    await onlyAdmins(clocked, admin, alice)
    const leave = async ({ mutate, password }: Person) =>
      (await mutate(DeleteAccountDocument, { input: { password } })).deleteAccount.__typename
    const outcomes = await Promise.all([leave(admin), leave(alice)])
    expect(outcomes.toSorted()).toEqual(['Acknowledged', 'LastPlatformAdmin'])
    expect(await adminsOf(clocked)).toHaveLength(1)
  })
})

test('an administrator who was signed out while their request waited changes nothing', async ({
  clocked,
  admin,
  alice,
}) => {
  const ctx = await contextOf(clocked, admin)
  await admin.mutate(LogoutDocument, { input: {} })
  await expect(suspendUser(ctx, uuidIn(alice.userId), null)).rejects.toThrow('Sign in')
  expect((await alice.query(ViewerDocument, {})).viewer?.actor.id).toBe(alice.userId)
})

test('no key and no agent of an administrator manages people, whatever it was granted', () => {
  const person = { role: 'OWNER', grants: null, isPlatformAdmin: true } as const
  expect(isAllowed(person, 'user.suspend')).toBe(true)
  expect(isAllowed({ ...person, grants: new Set(['user.suspend']) }, 'user.suspend')).toBe(false)
  expect(isAllowed({ ...person, isPlatformAdmin: false }, 'user.suspend')).toBe(false)
})

test('what the operator grants and takes is followed by what is open, and written down as nobody’s', async ({
  clocked,
  alice,
}) => {
  const { platform } = clocked.app
  const isAdmin = async () => (await alice.query(ViewerDocument, {})).viewer?.isPlatformAdmin
  const events = alice.subscribe(ViewerEventsDocument, {
    after: (await alice.query(ViewerDocument, {})).viewer?.eventsCursor ?? null,
  })
  const grant = await setPlatformAdmin(platform, ` ${alice.email.toUpperCase()}`, true)
  expect(grant).toMatchObject({ email: alice.email, hasChanged: true, isSuspended: false })
  expect(await events.next()).toMatchObject({ viewerEvents: { __typename: 'ViewerUpdated' } })
  expect(await isAdmin()).toBe(true)
  expect(await setPlatformAdmin(platform, alice.email, true)).toEqual({ ...grant, hasChanged: false })
  expect(await setPlatformAdmin(platform, alice.email, false)).toMatchObject({
    hasChanged: true,
    administrators: grant.administrators - 1,
  })
  expect(await isAdmin()).toBe(false)
  await expect(setPlatformAdmin(platform, 'nobody@example.org', true)).rejects.toThrow('Nobody has an account')
  events.stop()
  const trail = await platform.database.unscoped
    .selectFrom('audit_event')
    .select(['action', 'actor', 'outcome', 'organization_id'])
    .where('target', '=', alice.userId)
    .where('action', 'in', ['user.grant_admin', 'user.revoke_admin'])
    .orderBy('id')
    .execute()
  const by = { actor: null, outcome: 'allowed', organization_id: null }
  expect(trail).toEqual([
    { action: 'user.grant_admin', ...by },
    { action: 'user.revoke_admin', ...by },
  ])
})

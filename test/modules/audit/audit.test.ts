import { expect } from 'vitest'
import { audit } from '../../../src/modules/audit/audit.service.ts'
import { transact } from '../../../src/platform/database/transact.ts'
import { schema } from '../../../src/schema.ts'
import {
  AcceptInvitationDocument,
  ArchiveProjectDocument,
  ChangePasswordDocument,
  CreateAgentDocument,
  CreateApiKeyDocument,
  CreateBlocksDocument,
  CreateOrganizationDocument,
  CreatePageDocument,
  CreateProjectDocument,
  CreateUserDocument,
  DeleteAccountDocument,
  DeleteOrganizationDocument,
  DeleteProjectDocument,
  DeleteUserDocument,
  DisableAgentDocument,
  InviteMemberDocument,
  IssueAgentTokenDocument,
  LeaveOrganizationDocument,
  LoginDocument,
  LogoutDocument,
  OrganizationDocument,
  RefreshTokensDocument,
  RegisterDocument,
  ReinstateUserDocument,
  RemoveMemberDocument,
  RemoveProjectMemberDocument,
  RequestPasswordResetDocument,
  ResendVerificationDocument,
  ResetPasswordDocument,
  RestoreOrganizationDocument,
  RestoreProjectDocument,
  RevokeApiKeyDocument,
  RevokeDeviceSessionDocument,
  RevokeInvitationDocument,
  RevokeOtherDeviceSessionsDocument,
  RotateApiKeyDocument,
  SetOrganizationTierDocument,
  SetProjectMemberDocument,
  SuspendUserDocument,
  SwitchOrganizationDocument,
  UpdateAgentDocument,
  UpdateMemberRoleDocument,
  UpdateOrganizationDocument,
  UpdateProfileDocument,
  UpdateProjectDocument,
  UpdateUserDocument,
  VerifyEmailDocument,
  ViewerDocument,
} from '../../gql/graphql.ts'
import { contextOf, makePlatformAdmin, setRole, trailOf } from '../../kit/inside.ts'
import { mailedToken } from '../../kit/mails.ts'
import { found, foundAndDelete, invite, join, membershipIn, switchTo } from '../../kit/organizations.ts'
import { type Person, signIn, signUp, signUpInto, uuidIn } from '../../kit/people.ts'
import { post } from '../../kit/post.ts'
import { makeAgent, makeKey } from '../../kit/programs.ts'
import { test } from '../../kit/test.ts'
import { createProject } from '../projects/stage.ts'
import { chatDeeds } from './chat-deeds.ts'
import { creditDeeds } from './credit-deeds.ts'
import { as, type Deed, type Scene } from './deeds.ts'
import { oceanDeeds } from './ocean-deeds.ts'

const program = { kind: 'CUSTOM', trustLevel: 'WRITE' } as const

/** One good use of each mutation, and what the trail says of it. A mutation that is not here fails the test. */
const deeds: Record<string, Deed> = {
  ...oceanDeeds,
  ...chatDeeds,
  ...creditDeeds,
  register: {
    action: 'user.register',
    target: /^user_/,
    by: 'a newcomer',
    run: ({ server }) => {
      const input = {
        email: `newcomer-${crypto.randomUUID()}@example.org`,
        password: 'Audited-Pass-1',
        displayName: 'Au',
      }
      return post(server.url, { document: RegisterDocument, variables: { input } })
    },
  },
  login: {
    action: 'session.login',
    target: /^device_session_/,
    run: ({ server, alice }) =>
      post(server.url, {
        document: LoginDocument,
        variables: { input: { identifier: alice.email, password: alice.password } },
      }),
  },
  refreshTokens: {
    action: 'session.refresh',
    target: /^device_session_/,
    run: ({ server, alice }) =>
      post(server.url, {
        document: RefreshTokensDocument,
        variables: { input: { refreshToken: alice.tokens.refreshToken } },
      }),
  },
  createOrganization: {
    action: 'organization.create',
    target: /^organization_/,
    by: 'the person, elsewhere',
    run: (scene) => as(scene, { document: CreateOrganizationDocument, variables: { input: { name: 'Audited' } } }),
  },
  updateOrganization: {
    action: 'organization.update',
    target: /^organization_/,
    run: (scene) => {
      const input = { id: scene.alice.organizationId, name: 'Audited', expectedVersion: 1 }
      return as(scene, { document: UpdateOrganizationDocument, variables: { input } })
    },
  },
  deleteOrganization: {
    action: 'organization.delete',
    target: /^organization_/,
    by: 'the person, elsewhere',
    run: async (scene) => {
      const id = await found(scene.alice)
      const before = await switchTo(scene.alice, id)
      const answer = await as(scene, { document: DeleteOrganizationDocument, variables: { input: { id } } })
      scene.alice.tokens.accessToken = before
      return answer
    },
  },
  restoreOrganization: {
    action: 'organization.restore',
    target: /^organization_/,
    by: 'the person, elsewhere',
    run: async (scene) => {
      const input = { id: await foundAndDelete(scene.alice) }
      return as(scene, { document: RestoreOrganizationDocument, variables: { input } })
    },
  },
  setOrganizationTier: {
    action: 'organization.set_tier',
    target: /^organization_/,
    run: async (scene) => {
      await makePlatformAdmin(scene.server, scene.alice)
      const input = { id: scene.alice.organizationId, tier: 'PRO' as const }
      return as(scene, { document: SetOrganizationTierDocument, variables: { input } })
    },
  },
  switchOrganization: {
    action: 'session.switch',
    target: /^device_session_/,
    run: (scene) => {
      const input = { organizationId: scene.alice.organizationId }
      return as(scene, { document: SwitchOrganizationDocument, variables: { input } })
    },
  },
  updateMemberRole: {
    action: 'membership.update',
    target: /^membership_/,
    run: async (scene) => {
      const id = await membershipIn(scene.alice, scene.alice)
      return as(scene, { document: UpdateMemberRoleDocument, variables: { input: { id, role: 'OWNER' } } })
    },
  },
  removeMember: {
    action: 'membership.remove',
    target: /^membership_/,
    run: async (scene) => {
      const member = await signUpInto(scene.server, scene.alice, 'Member', 'VIEWER')
      const id = await membershipIn(scene.alice, member)
      return as(scene, { document: RemoveMemberDocument, variables: { input: { id } } })
    },
  },
  inviteMember: {
    action: 'invitation.create',
    target: /^invitation_/,
    run: (scene) => {
      const input = { email: `audited-${scene.alice.email}`, role: 'VIEWER' as const }
      return as(scene, { document: InviteMemberDocument, variables: { input } })
    },
  },
  revokeInvitation: {
    action: 'invitation.revoke',
    target: /^invitation_/,
    run: async (scene) => {
      const { organization } = await scene.alice.query(OrganizationDocument, {})
      const id = organization?.invitations?.nodes[0]?.id ?? ''
      return as(scene, { document: RevokeInvitationDocument, variables: { input: { id } } })
    },
  },
  acceptInvitation: {
    action: 'invitation.accept',
    target: /^invitation_/,
    by: 'the person, elsewhere',
    run: async (scene) => {
      const host = await signUp(scene.server, 'Host')
      const token = await invite(scene.server, host, scene.alice.email)
      return as(scene, { document: AcceptInvitationDocument, variables: { input: { token } } })
    },
  },
  leaveOrganization: {
    action: 'membership.leave',
    target: /^membership_/,
    by: 'the person, elsewhere',
    run: async (scene) => {
      const id = await join(scene.server, await signUp(scene.server, 'Host'), scene.alice)
      return as(scene, { document: LeaveOrganizationDocument, variables: { input: { id } } })
    },
  },
  createProject: {
    action: 'project.create',
    target: /^project_/,
    run: (scene) => as(scene, { document: CreateProjectDocument, variables: { input: { name: 'Audited' } } }),
  },
  updateProject: onProject('project.update', UpdateProjectDocument, { expectedVersion: 1, name: 'Renamed' }),
  archiveProject: onProject('project.archive', ArchiveProjectDocument),
  restoreProject: onProject('project.restore', RestoreProjectDocument),
  deleteProject: onProject('project.delete', DeleteProjectDocument),
  setProjectMember: {
    action: 'project.set_member',
    target: /^project_/,
    run: async (scene) => {
      const input = { ...(await placeOf(scene)), role: 'OWNER' as const }
      return as(scene, { document: SetProjectMemberDocument, variables: { input } })
    },
  },
  removeProjectMember: {
    action: 'project.remove_member',
    target: /^project_/,
    run: async (scene) => {
      const input = await placeOf(scene)
      return as(scene, { document: RemoveProjectMemberDocument, variables: { input } })
    },
  },
  updateProfile: {
    action: 'user.update_profile',
    target: /^user_/,
    run: (scene) => as(scene, { document: UpdateProfileDocument, variables: { input: { displayName: 'Renamed' } } }),
  },
  verifyEmail: {
    action: 'user.verify_email',
    target: /^user_/,
    by: 'the person, in none',
    run: async (scene) => {
      const token = await mailedToken(scene.server, scene.alice, /verify-email/)
      return as(scene, { document: VerifyEmailDocument, variables: { input: { token } } })
    },
  },
  resendVerification: {
    action: 'user.resend_verification',
    target: null,
    by: 'nobody',
    run: (scene) =>
      as(scene, { document: ResendVerificationDocument, variables: { input: { email: scene.alice.email } } }),
  },
  requestPasswordReset: {
    action: 'user.request_password_reset',
    target: null,
    by: 'nobody',
    run: (scene) =>
      as(scene, { document: RequestPasswordResetDocument, variables: { input: { email: scene.alice.email } } }),
  },
  createUser: {
    action: 'user.create',
    target: /^user_/,
    by: 'the person, in none',
    run: async (scene) => {
      await makePlatformAdmin(scene.server, scene.alice)
      const input = {
        email: `audited-${crypto.randomUUID()}@example.org`,
        displayName: 'Audited',
        isPlatformAdmin: true,
      }
      // Another one, or the last could not delete their account in the end.
      return as(scene, { document: CreateUserDocument, variables: { input } })
    },
  },
  updateUser: {
    action: 'user.update',
    target: /^user_/,
    by: 'the person, in none',
    run: async (scene) => {
      const input = { id: await somebody(scene), displayName: 'Audited' }
      return as(scene, { document: UpdateUserDocument, variables: { input } })
    },
  },
  suspendUser: {
    action: 'user.suspend',
    target: /^user_/,
    by: 'the person, in none',
    run: async (scene) =>
      as(scene, { document: SuspendUserDocument, variables: { input: { id: await somebody(scene), reason: 'why' } } }),
  },
  reinstateUser: {
    action: 'user.reinstate',
    target: /^user_/,
    by: 'the person, in none',
    run: async (scene) =>
      as(scene, { document: ReinstateUserDocument, variables: { input: { id: await somebody(scene) } } }),
  },
  deleteUser: {
    action: 'user.delete_other',
    target: /^user_/,
    by: 'the person, in none',
    run: async (scene) =>
      as(scene, { document: DeleteUserDocument, variables: { input: { id: await somebody(scene) } } }),
  },
  revokeDeviceSession: {
    action: 'session.end',
    target: /^device_session_/,
    run: async (scene) => {
      const { viewer } = await scene.alice.query(ViewerDocument, {})
      const other = viewer?.deviceSessions.nodes.find(({ isCurrent }) => !isCurrent)
      return as(scene, { document: RevokeDeviceSessionDocument, variables: { input: { id: other?.id ?? '' } } })
    },
  },
  revokeOtherDeviceSessions: {
    action: 'session.end_others',
    target: /^user_/,
    run: (scene) => as(scene, { document: RevokeOtherDeviceSessionsDocument, variables: { input: {} } }),
  },
  changePassword: {
    action: 'user.change_password',
    target: /^user_/,
    run: (scene) => {
      const input = { currentPassword: scene.alice.password, newPassword: 'Audited-Pass-1' }
      return as(scene, { document: ChangePasswordDocument, variables: { input } })
    },
  },
  createApiKey: {
    action: 'api_key.create',
    target: /^api_key_/,
    run: (scene) => {
      const input = { name: 'Audited', permissions: ['page.read'] }
      return as(scene, { document: CreateApiKeyDocument, variables: { input } })
    },
  },
  rotateApiKey: {
    action: 'api_key.rotate',
    target: /^api_key_/,
    run: async (scene) => {
      const { id } = await makeKey(scene.alice)
      return as(scene, { document: RotateApiKeyDocument, variables: { input: { id } } })
    },
  },
  revokeApiKey: {
    action: 'api_key.revoke',
    target: /^api_key_/,
    run: async (scene) => {
      const { id } = await makeKey(scene.alice)
      return as(scene, { document: RevokeApiKeyDocument, variables: { input: { id } } })
    },
  },
  createAgent: {
    action: 'agent.create',
    target: /^agent_/,
    run: (scene) => {
      const input = { displayName: 'Audited', permissions: ['page.read'], ...program }
      return as(scene, { document: CreateAgentDocument, variables: { input } })
    },
  },
  updateAgent: {
    action: 'agent.update',
    target: /^agent_/,
    run: async (scene) => {
      const input = { id: (await makeAgent(scene.alice)).id, expectedVersion: 1, displayName: 'Renamed' }
      return as(scene, { document: UpdateAgentDocument, variables: { input } })
    },
  },
  issueAgentToken: {
    action: 'agent.issue_token',
    target: /^agent_/,
    run: async (scene) => {
      const input = { agentId: (await makeAgent(scene.alice)).id }
      return as(scene, { document: IssueAgentTokenDocument, variables: { input } })
    },
  },
  disableAgent: {
    action: 'agent.disable',
    target: /^agent_/,
    run: async (scene) => {
      const { id } = await makeAgent(scene.alice)
      return as(scene, { document: DisableAgentDocument, variables: { input: { id } } })
    },
  },
  logout: {
    action: 'session.end',
    target: /^device_session_/,
    run: (scene) => as(scene, { document: LogoutDocument, variables: { input: {} } }),
  },
  resetPassword: {
    action: 'user.reset_password',
    target: /^user_/,
    by: 'the person, in none',
    run: async ({ server, alice }) => {
      await alice.send(RequestPasswordResetDocument, { input: { email: alice.email } })
      const token = await mailedToken(server, alice, /reset-password/)
      const input = { token, newPassword: alice.password }
      return post(server.url, { document: ResetPasswordDocument, variables: { input } })
    },
  },
  deleteAccount: {
    action: 'user.delete',
    target: /^user_/,
    run: async ({ server, alice }) => {
      const again = await signIn(server, alice.email)
      await again.close()
      const variables = { input: { password: alice.password } }
      const authorization = `Bearer ${again.tokens.accessToken}`
      return post(server.url, { document: DeleteAccountDocument, variables, authorization })
    },
  },
}

/** A deed to a new project of alice's. */
function onProject<Data, Variables>(
  action: string,
  document: Parameters<typeof post<Data, Variables>>[1]['document'],
  input: object = {},
): Deed {
  return {
    action,
    target: /^project_/,
    run: async (scene) => {
      const { projectId } = await placeOf(scene)
      return as(scene, { document, variables: { input: { ...input, id: projectId } } as Variables })
    },
  }
}

/** Alice's place in a new project. */
async function placeOf({ alice }: Scene) {
  return { projectId: await createProject(alice, { name: 'Audited' }), userId: alice.userId }
}

/** For an administrator of the platform to deal with. */
async function somebody({ server }: Scene): Promise<string> {
  const person = await signUp(server, 'Somebody')
  await person.close()
  return person.userId
}

function doerOf({ by }: Deed, alice: Person) {
  if (by === 'a newcomer') return { organization_id: expect.any(String), actor: expect.stringMatching(/^user_/) }
  if (by === 'the person, elsewhere') {
    return { organization_id: expect.not.stringContaining(uuidIn(alice.organizationId)), actor: alice.userId }
  }
  const organization_id = by === undefined ? uuidIn(alice.organizationId) : null
  return { organization_id, actor: by === 'nobody' ? null : alice.userId }
}

test('every mutation leaves one row: who, where, what, to what, in which request; and no secret', async ({
  server,
  alice,
  page,
}) => {
  const mutations = Object.keys(schema.getMutationType()?.getFields() ?? {})
  expect(Object.keys(deeds).toSorted()).toEqual(mutations.toSorted())
  const answers: string[] = []
  for (const [name, deed] of Object.entries(deeds)) {
    const answer = await deed.run({ server, alice, pageId: page.id })
    const answered = JSON.parse(answer.text)
    expect([name, answered.errors, answered.data?.[name]?.code]).toEqual([name, undefined, undefined])
    expect(await trailOf(server, answer), name).toEqual([
      {
        id: expect.any(String),
        head_chain: null,
        head_seq: null,
        head_hash: null,
        ...doerOf(deed, alice),
        on_behalf_of: null,
        action: deed.action,
        target: deed.target === null ? null : expect.stringMatching(deed.target),
        outcome: 'allowed',
        address: '127.0.0.1',
        request_id: answer.requestId,
        at: expect.any(Date),
      },
    ])
    answers.push(answer.text)
  }

  const trail = JSON.stringify(
    await server.app.platform.database.unscoped.selectFrom('audit_event').selectAll().execute(),
  )
  const secrets = [alice.password, 'Audited-Pass-1', alice.tokens.accessToken, alice.tokens.refreshToken]
  for (const answer of answers)
    secrets.push(...(answer.match(/(?<="(?:(?:access|refresh|device)Token|secret|token)":")[^"]+/g) ?? []))
  expect(secrets).toHaveLength(16)
  for (const secret of secrets) expect(trail.includes(secret)).toBe(false)
  expect(trail).not.toMatch(/eyJ|oc_key_|oc_agent_|argon2|@example\.org/)
})

test('a write to what is absent or foreign leaves a denied row: what was asked for, by whom', async ({
  server,
  alice,
  page,
  bob,
  stranger,
}) => {
  const authorization = `Bearer ${stranger.tokens.accessToken}`
  const by = { actor: stranger.userId, organization_id: uuidIn(stranger.organizationId), outcome: 'denied' }
  const absent = 'page_01h00000000000000000000000'
  for (const pageId of [page.id, absent]) {
    const input = { pageId, blocks: [{ text: 'x' }] }
    const answer = await post(server.url, { document: CreateBlocksDocument, variables: { input }, authorization })
    expect(answer.text).toContain('NOT_FOUND')
    expect(await trailOf(server, answer)).toMatchObject([{ ...by, action: 'block.create', target: pageId }])
  }
  const projectId = 'project_01h00000000000000000000000'
  const within = { document: CreatePageDocument, variables: { input: { title: 'x', projectId } } }
  const missing = await post(server.url, { ...within, authorization })
  expect(await trailOf(server, missing)).toMatchObject([{ ...by, action: 'page.create', target: projectId }])
  await setRole(server, bob, 'VIEWER')
  const open = await createProject(alice, { name: 'Open' })
  const onOpen = { document: CreatePageDocument, variables: { input: { title: 'x', projectId: open } } }
  const forbidden = await post(server.url, { ...onOpen, authorization: `Bearer ${bob.tokens.accessToken}` })
  expect(forbidden.text).toContain('FORBIDDEN')
  expect(await trailOf(server, forbidden)).toMatchObject([{ action: 'page.create', target: open, actor: bob.userId }])

  // Nobody known is not written down: they could fill the table.
  const anonymous = await post(server.url, within)
  expect(anonymous.text).toContain('UNAUTHENTICATED')
  expect(await trailOf(server, anonymous)).toEqual([])
})

test('a deed that is rolled back leaves no row', async ({ server, alice }) => {
  const ctx = await contextOf(server, alice)
  const target = alice.userId
  const failing = transact(ctx, async (tx) => {
    audit(ctx, tx, { action: 'page.create', target })
    await tx.em.flush()
    throw new Error('Changed my mind')
  })
  await expect(failing).rejects.toThrow('Changed my mind')
  expect(await trailOf(server, { requestId: ctx.request.id })).toEqual([])

  await transact(ctx, async (tx) => audit(ctx, tx, { action: 'page.create', target }))
  expect(await trailOf(server, { requestId: ctx.request.id })).toMatchObject([{ actor: alice.userId, target }])
})

test('what changes nothing leaves no row: bad input, a repeated key, a query', async ({ server, alice, page }) => {
  const scene = { server, alice, pageId: page.id }
  const bad = await as(scene, { document: CreatePageDocument, variables: { input: { title: 'x'.repeat(300) } } })
  expect(bad.text).toContain('INVALID_INPUT')
  expect(await trailOf(server, bad)).toEqual([])
  const operation = { document: CreatePageDocument, variables: { input: { title: 'Once', idempotencyKey: 'once' } } }
  expect(await trailOf(server, await as(scene, operation))).toHaveLength(1)
  expect(await trailOf(server, await as(scene, operation))).toEqual([])
})

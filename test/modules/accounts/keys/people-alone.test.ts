import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { expect } from 'vitest'
import { allActions, isGrantable } from '../../../../src/platform/access.ts'
import {
  AcceptInvitationDocument,
  ChangePasswordDocument,
  CreateOrganizationDocument,
  DeleteAccountDocument,
  DeleteOrganizationDocument,
  LeaveOrganizationDocument,
  LogoutDocument,
  RestoreOrganizationDocument,
  RevokeDeviceSessionDocument,
  RevokeOtherDeviceSessionsDocument,
  SwitchOrganizationDocument,
  UpdateProfileDocument,
  ViewerDocument,
  ViewerEventsDocument,
} from '../../../gql/graphql.ts'
import { membershipIn } from '../../../kit/organizations.ts'
import { makeAgent, makeKey, programOf, tokenOf } from '../../../kit/programs.ts'
import { test } from '../../../kit/test.ts'

test('what concerns an account itself no program does for its person, whatever it was granted', async ({ alice }) => {
  const { viewer } = await alice.query(ViewerDocument, {})
  const permissions = allActions().filter(isGrantable)
  const [device] = viewer?.deviceSessions.nodes ?? []
  const organization = { id: alice.organizationId }
  const deeds: readonly (readonly [TypedDocumentNode<unknown, never>, object])[] = [
    [ChangePasswordDocument, { currentPassword: alice.password, newPassword: 'Another-Horse-1' }],
    [UpdateProfileDocument, { displayName: 'Mallory' }],
    [DeleteAccountDocument, { password: alice.password }],
    [LogoutDocument, {}],
    [RevokeDeviceSessionDocument, { id: device?.id }],
    [RevokeOtherDeviceSessionsDocument, {}],
    [SwitchOrganizationDocument, { organizationId: alice.organizationId }],
    [CreateOrganizationDocument, { name: 'A team' }],
    [DeleteOrganizationDocument, organization],
    [RestoreOrganizationDocument, organization],
    [LeaveOrganizationDocument, { id: await membershipIn(alice, alice) }],
    [AcceptInvitationDocument, { token: 'a token' }],
  ]
  const key = await makeKey(alice, { permissions })
  const agent = await makeAgent(alice, { permissions })
  for (const secret of [key.secret, await tokenOf(alice, agent)]) {
    const program = programOf(alice, secret)
    for (const [document, input] of deeds) {
      const { errors } = await program.send(document, { input } as never)
      expect(errors?.[0]?.extensions.code, JSON.stringify(document.definitions[0])).toBe('FORBIDDEN')
    }
    const events = program.subscribe(ViewerEventsDocument, {})
    await expect(events.next()).rejects.toThrow(/FORBIDDEN|not allowed/i)
    await program.close()
  }
})

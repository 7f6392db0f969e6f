import {
  ChangePasswordDocument,
  DeleteAccountDocument,
  LogoutDocument,
  RequestPasswordResetDocument,
  ResetPasswordDocument,
  RevokeDeviceSessionDocument,
  RevokeOtherDeviceSessionsDocument,
} from '../gql/graphql.ts'
import type { Person } from './people.ts'
import { currentSessionId, outcomeOf, renewed } from './sessions.ts'

/** Two sessions of one person, of which one is to end, and how to read the token of the reset mail. */
export interface EndingStage {
  readonly owner: Person
  readonly ending: Person
  readonly resetToken: () => Promise<string>
}

/** One way to end a session from elsewhere; what it needs is prepared, and `end` resolves when it has been answered. */
export type Ending = (stage: EndingStage) => Promise<{ end: () => Promise<void> }>

const newPassword = 'Another-Horse-2'

/** Every way in which a session ends that is not its own device's doing, by name. */
export const endings: Readonly<Record<string, Ending>> = {
  'logout elsewhere with the refresh token': async ({ owner, ending }) => {
    const { refreshToken } = ending.tokens
    return doing(async () => (await owner.mutate(LogoutDocument, { input: { refreshToken } })).logout, 'LogoutPayload')
  },
  revokeDeviceSession: async ({ owner, ending }) => {
    const id = await currentSessionId(ending)
    const revoke = async () => (await owner.mutate(RevokeDeviceSessionDocument, { input: { id } })).revokeDeviceSession
    return doing(revoke, 'DeviceSession')
  },
  revokeOtherDeviceSessions: async ({ owner }) => {
    const revoke = async () =>
      (await owner.mutate(RevokeOtherDeviceSessionsDocument, { input: {} })).revokeOtherDeviceSessions
    return doing(revoke, 'RevokedSessions')
  },
  changePassword: async ({ owner }) => {
    const input = { currentPassword: owner.password, newPassword }
    return doing(async () => (await owner.mutate(ChangePasswordDocument, { input })).changePassword, 'Viewer')
  },
  resetPassword: async ({ owner, resetToken }) => {
    await owner.mutate(RequestPasswordResetDocument, { input: { email: owner.email } })
    const input = { token: await resetToken(), newPassword }
    return doing(async () => (await owner.mutate(ResetPasswordDocument, { input })).resetPassword, 'Acknowledged')
  },
  'refresh token reuse': async ({ owner, ending }) => {
    const { refreshToken } = ending.tokens
    await renewed(owner, (await renewed(owner, refreshToken)).refreshToken)
    return doing(async () => ({ __typename: await outcomeOf(owner, refreshToken) }), 'InvalidRefreshToken')
  },
  deleteAccount: async ({ owner }) => {
    const input = { password: owner.password }
    return doing(async () => (await owner.mutate(DeleteAccountDocument, { input })).deleteAccount, 'Acknowledged')
  },
}

function doing(deed: () => Promise<{ readonly __typename: string }>, expected: string) {
  return {
    end: async () => {
      const { __typename } = await deed()
      if (__typename !== expected) throw new Error(`It came to ${__typename} and not to ${expected}`)
    },
  }
}

import { type DocumentNode, print } from 'graphql'
import { decodeJwt } from 'jose'
import { z } from 'zod'
import {
  ChangePasswordDocument,
  DeleteAccountDocument,
  LoginDocument,
  LogoutDocument,
  RefreshTokensDocument,
  RegisterDocument,
  RequestPasswordResetDocument,
  ResendVerificationDocument,
  ResetPasswordDocument,
  RevokeDeviceSessionDocument,
  RevokeOtherDeviceSessionsDocument,
  VerifyEmailDocument,
} from '../../gql/graphql.ts'
import type { MovableClock } from '../../kit/fakes.ts'
import { tokenIn } from '../../kit/mails.ts'
import { uuidIn } from '../../kit/people.ts'
import type { TestServer } from '../../kit/server.ts'
import { ask } from '../../transport/wire.ts'
import { emailOf, passwordOf, type Step, usernameOf } from './accounts-model.ts'

/** Everybody's clients: they hold the tokens they were given, and say what a server answers. */
export interface Player {
  /** Does a step at the server and tells its outcome in the words of the model. */
  perform(step: Step): Promise<string>
  /** The ids of the sessions in the order they were opened. */
  readonly sessionIds: readonly string[]
}

const LOOK = '{ viewer { __typename deviceSessions(first: 1) { totalCount } } }'
const LINKS = /#token=/

/** The parts of results that outcomes are told by. */
const resultSchema = z.object({
  __typename: z.string(),
  accessToken: z.string().optional(),
  refreshToken: z.string().optional(),
  deviceToken: z.string().nullish(),
  retryAfterSeconds: z.number().optional(),
  deviceSessionId: z.string().optional(),
  deviceSessionIds: z.array(z.string()).optional(),
  id: z.string().optional(),
  deviceSessions: z.object({ totalCount: z.number() }).optional(),
})
type Result = z.infer<typeof resultSchema>
type Sent = {
  readonly document: DocumentNode | string
  readonly input?: object
  readonly as?: number
}

/** Makes players of a server whose clock they move. */
export function createPlayer({ app, url, mails }: TestServer, clock: MovableClock): Player {
  const sessionIds: string[] = []
  const accessTokens: string[] = []
  const deviceTokens: string[] = []
  const refreshTokens = new Map<string, string>()
  const linkTokens: string[] = []

  const send = async ({ document, input, as }: Sent): Promise<Result | string> => {
    const query = typeof document === 'string' ? document : print(document)
    const authorization = as === undefined ? {} : { authorization: `Bearer ${accessTokens[as]}` }
    const { body } = await ask(url, { body: { query, variables: { input } }, headers: authorization })
    const code = body.errors?.[0]?.extensions?.code
    return code === undefined ? resultSchema.parse(Object.values(body.data ?? {})[0]) : String(code)
  }
  const numberOf = (id: string) => {
    const known = sessionIds.indexOf(id)
    return known === -1 ? sessionIds.push(id) - 1 : known
  }
  /** Keeps the tokens of an answer; the session and the counter inside, which no client can read, are its outcome. */
  const enter = async ({ accessToken = '', refreshToken = '', deviceToken }: Result) => {
    const { sid } = z.object({ sid: z.string() }).parse(decodeJwt(accessToken))
    const sealed = z.object({ sid: z.uuid(), n: z.number() }).parse(await app.platform.refreshBox.open(refreshToken))
    const number = numberOf(sid)
    const token = `${number}.${sealed.n}`
    accessTokens[number] = accessToken
    // Refreshing without it brings no new one.
    if (deviceToken != null) deviceTokens[number] = deviceToken
    refreshTokens.set(token, refreshToken)
    return sealed.sid === uuidIn(sid) ? `AuthPayload ${token}` : 'tokens of different sessions'
  }
  const tell = async (result: Result | string): Promise<string> => {
    if (typeof result === 'string') return result
    const { __typename: type, retryAfterSeconds, deviceSessionId, deviceSessionIds, id, deviceSessions } = result
    if (type === 'AuthPayload') return enter(result)
    if (deviceSessions !== undefined) return `${type} with ${deviceSessions.totalCount}`
    if (deviceSessionIds !== undefined) return `${type} ${deviceSessionIds.map(numberOf).toSorted((a, b) => a - b)}`
    if (deviceSessionId !== undefined) return `${type} ${numberOf(deviceSessionId)}`
    if (id !== undefined) return `${type} ${numberOf(id)}`
    return retryAfterSeconds === undefined ? type : `${type} ${retryAfterSeconds}`
  }
  /** The outcome of what may mail a link, and which came; other mails are no concern of this. */
  const withMail = async (sent: Sent, person: number): Promise<string> => {
    const links = () => mails.to(emailOf(person)).filter(({ text }) => LINKS.test(text))
    const before = links().length
    const outcome = await tell(await send(sent))
    await app.platform.jobs.idle(15_000)
    const newest = links().slice(before)
    for (const { text } of newest) linkTokens.push(tokenIn(text))
    return `${outcome}, ${newest.length === 0 ? 'no mail' : `link ${linkTokens.length - 1}`}`
  }
  const deviceToken = (device: number | null) => (device === null ? null : deviceTokens[device])
  const refreshToken = ({ session, counter }: { session: number; counter: number }) =>
    refreshTokens.get(`${session}.${counter}`)

  const perform = async (step: Step): Promise<string> => {
    switch (step.do) {
      case 'wait':
        clock.advance({ minutes: step.minutes })
        return 'waited'
      case 'register': {
        const names = { email: emailOf(step.person), username: usernameOf(step.username), displayName: 'A Person' }
        const input = { ...names, password: passwordOf(step.person), deviceToken: deviceToken(step.device) }
        const outcome = await withMail({ document: RegisterDocument, input }, step.person)
        return outcome.replace(/^(EmailTaken|UsernameTaken), no mail$/, '$1')
      }
      case 'requestReset':
        return withMail({ document: RequestPasswordResetDocument, input: { email: emailOf(step.person) } }, step.person)
      case 'resend':
        return withMail({ document: ResendVerificationDocument, input: { email: emailOf(step.person) } }, step.person)
      default:
        return tell(await send(sentFor(step)))
    }
  }
  const sentFor = (step: Exclude<Step, { do: 'wait' | 'register' | 'requestReset' | 'resend' }>): Sent => {
    switch (step.do) {
      case 'login': {
        const { name: identifier, password } = step
        return { document: LoginDocument, input: { identifier, password, deviceToken: deviceToken(step.device) } }
      }
      case 'refresh': {
        const input = { refreshToken: refreshToken(step), deviceToken: deviceToken(step.device) }
        return { document: RefreshTokensDocument, input }
      }
      case 'look':
        return { document: LOOK, as: step.as }
      case 'logout':
        return { document: LogoutDocument, input: {}, as: step.as }
      case 'logoutWith':
        return { document: LogoutDocument, input: { refreshToken: refreshToken(step) } }
      case 'revoke':
        return { document: RevokeDeviceSessionDocument, input: { id: sessionIds[step.session] }, as: step.as }
      case 'revokeOthers':
        return { document: RevokeOtherDeviceSessionsDocument, input: {}, as: step.as }
      case 'changePassword': {
        const input = { currentPassword: step.password, newPassword: step.next }
        return { document: ChangePasswordDocument, input, as: step.as }
      }
      case 'deleteAccount':
        return { document: DeleteAccountDocument, input: { password: step.password }, as: step.as }
      case 'reset':
        return { document: ResetPasswordDocument, input: { token: linkTokens[step.link], newPassword: step.next } }
      case 'verify':
        return { document: VerifyEmailDocument, input: { token: linkTokens[step.link] } }
    }
  }
  return { perform, sessionIds }
}

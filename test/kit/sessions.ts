import { print } from 'graphql'
import { expect } from 'vitest'
import {
  ProjectsDocument,
  RefreshTokensDocument,
  type RefreshTokensInput,
  type RefreshTokensMutation,
  ViewerDocument,
} from '../gql/graphql.ts'
import { ask } from '../transport/wire.ts'
import { type Person, uuidIn } from './people.ts'
import type { TestServer } from './server.ts'

/** What a client holds of its session. */
export type Tokens = Required<Person['tokens']>

/** What is told to whoever comes with the token of a session that has ended, or that ran out. */
export const sessionEnded = 'This session has ended. Sign in again.'
export const accessExpired = 'The access token has expired.'

/** Sends a refresh token and answers what came of it. */
export async function refresh(
  person: Pick<Person, 'mutate'>,
  input: RefreshTokensInput,
): Promise<NonNullable<RefreshTokensMutation['refreshTokens']>> {
  return (await person.mutate(RefreshTokensDocument, { input })).refreshTokens
}

/** Trades a refresh token for new tokens. @throws when it is refused */
export async function renewed(
  person: Pick<Person, 'mutate'>,
  refreshToken: string,
  deviceToken?: string,
): Promise<Tokens> {
  const result = await refresh(person, { refreshToken, ...(deviceToken !== undefined && { deviceToken }) })
  if (result.__typename !== 'AuthPayload') throw new Error(`The refresh came to ${JSON.stringify(result)}`)
  const tokens = { accessToken: result.accessToken, refreshToken: result.refreshToken, deviceToken: result.deviceToken }
  return {
    accessToken: tokens.accessToken ?? '',
    refreshToken: tokens.refreshToken ?? '',
    deviceToken: tokens.deviceToken ?? '',
  }
}

/** What trading a refresh token comes to: the name of the type. */
export async function outcomeOf(
  person: Pick<Person, 'mutate'>,
  refreshToken: string,
  deviceToken?: string,
): Promise<string> {
  return (await refresh(person, { refreshToken, ...(deviceToken !== undefined && { deviceToken }) })).__typename
}

/** What a refresh by a client of another name comes to. */
export async function outcomeOnOtherClient(person: Pick<Person, 'url'>, refreshToken: string): Promise<unknown> {
  const headers = { accept: 'application/json', 'user-agent': 'another client' }
  const query = print(RefreshTokensDocument)
  const { body } = await ask(person.url, { headers, body: { query, variables: { input: { refreshToken } } } })
  const { refreshTokens } = (body.data ?? {}) as Partial<RefreshTokensMutation>
  return refreshTokens?.__typename
}

/** Whether a request with the access token of the moment is let in, else why not. */
export async function admission(person: Pick<Person, 'send'>): Promise<'admitted' | string> {
  const { errors } = await person.send(ProjectsDocument, {})
  if (errors === undefined) return 'admitted'
  expect(errors[0]?.extensions.code).toBe('UNAUTHENTICATED')
  return errors[0]?.message ?? ''
}

/** The TypeID of the session that a person's access token is of. @throws when it is refused */
export async function currentSessionId(person: Pick<Person, 'query'>): Promise<string> {
  const { viewer } = await person.query(ViewerDocument, {})
  const current = viewer?.deviceSessions.nodes.find(({ isCurrent }) => isCurrent)
  if (current === undefined) throw new Error('No session is the current one')
  return current.id
}

/** The rows of a person's sessions, oldest first. */
export async function sessionRowsOf(server: Pick<TestServer, 'app'>, person: Pick<Person, 'userId'>) {
  return server.app.platform.database.unscoped
    .selectFrom('device_session')
    .selectAll()
    .where('user_id', '=', uuidIn(person.userId))
    .orderBy('id')
    .execute()
}

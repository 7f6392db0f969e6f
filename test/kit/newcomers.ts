import { RegisterDocument, type RegisterInput, type RegisterMutation } from '../gql/graphql.ts'
import type { Client } from './client.ts'

/** A password that breaks no rule. */
export const goodPassword = 'Correct-Horse-1'

let made = 0

/** A registration of somebody nobody has heard of. */
export function newcomer(changes: Partial<RegisterInput> = {}): RegisterInput {
  made += 1
  const email = `newcomer-${process.pid}-${made}@example.org`
  return { email, password: goodPassword, displayName: 'New Comer', ...changes }
}

/** Registers somebody and answers what it came to. */
export async function register(
  client: Client,
  input: RegisterInput,
): Promise<NonNullable<RegisterMutation['register']>> {
  return (await client.mutate(RegisterDocument, { input })).register
}

/** The result as an account. @throws when it is a refusal */
export function entered<Result extends { __typename: string }>(
  result: Result,
): Extract<Result, { __typename: 'AuthPayload' }> {
  if (result.__typename !== 'AuthPayload') throw new Error(`It came to ${JSON.stringify(result)}`)
  return result as Extract<Result, { __typename: 'AuthPayload' }>
}

import type { Role } from '../../src/platform/access.ts'
import {
  AcceptInvitationDocument,
  CreateOrganizationDocument,
  DeleteOrganizationDocument,
  InviteMemberDocument,
  OrganizationDocument,
  SwitchOrganizationDocument,
} from '../gql/graphql.ts'
import { mailedToken } from './mails.ts'
import type { Person } from './people.ts'
import type { TestServer } from './server.ts'

/** Founds an organization and answers its id; its owner goes on acting where they are. */
export async function found(person: Person, name = 'A team'): Promise<string> {
  const { createOrganization: made } = await person.mutate(CreateOrganizationDocument, { input: { name } })
  if (made.__typename !== 'Organization') throw new Error(`The organization came to ${JSON.stringify(made)}`)
  return made.id
}

/** Lets a person act in another of their organizations; answers the access token they had before. */
export async function switchTo(person: Person, organizationId: string): Promise<string> {
  const { switchOrganization: entered } = await person.mutate(SwitchOrganizationDocument, { input: { organizationId } })
  if (entered.__typename !== 'AuthPayload') throw new Error(`The switch came to ${JSON.stringify(entered)}`)
  const before = person.tokens.accessToken
  person.tokens.accessToken = entered.accessToken ?? ''
  return before
}

/** Makes a second organization of a person's and deletes it; they act where they did before. Answers its id. */
export async function foundAndDelete(person: Person): Promise<string> {
  const id = await found(person, 'A short affair')
  const before = await switchTo(person, id)
  await person.mutate(DeleteOrganizationDocument, { input: { id } })
  person.tokens.accessToken = before
  return id
}

/** Invites an address and answers the token in the mail. */
export async function invite(server: TestServer, host: Person, email: string, role: Role = 'EDITOR'): Promise<string> {
  await offer(host, email, role)
  return mailedToken(server, { email }, /invitation/)
}

/** Invites an address. */
export async function offer(host: Person, email: string, role: Role): Promise<void> {
  const { inviteMember: invited } = await host.mutate(InviteMemberDocument, { input: { email, role } })
  if (invited.__typename !== 'Invitation') throw new Error(`The invitation came to ${JSON.stringify(invited)}`)
}

/** Makes somebody a member of another person's organization by an invitation, beside their own; answers the membership's id. */
export async function join(server: TestServer, host: Person, guest: Person, role: Role = 'EDITOR'): Promise<string> {
  return accept(guest, await invite(server, host, guest.email, role))
}

/** Makes somebody a member by the token of an invitation; answers the membership's id. */
export async function accept(guest: Person, token: string): Promise<string> {
  const { acceptInvitation: membership } = await guest.mutate(AcceptInvitationDocument, { input: { token } })
  if (membership.__typename !== 'Membership') throw new Error(`The acceptance came to ${JSON.stringify(membership)}`)
  return membership.id
}

/** The id of a person's membership in the organization in which somebody acts, as that one sees it. @throws when they don't */
export async function membershipIn(asking: Person, person: Pick<Person, 'userId'>): Promise<string> {
  const { organization } = await asking.query(OrganizationDocument, { first: 100 })
  const membership = organization?.members?.nodes.find(({ member }) => member.id === person.userId)
  if (membership === undefined) throw new Error('They are not seen among the members')
  return membership.id
}

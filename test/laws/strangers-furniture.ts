import { issueAccessToken } from '../../src/modules/accounts/tokens/access-token.service.ts'
import {
  AuditEventsDocument,
  CreatePageDocument,
  CreateProjectDocument,
  InviteMemberDocument,
  ProjectDocument,
  UpdateOrganizationDocument,
  ViewerDocument,
} from '../gql/graphql.ts'
import { lastMessage, watch } from '../kit/chat.ts'
import { makeLink } from '../kit/links.ts'
import { membershipIn } from '../kit/organizations.ts'
import { type Person, signIn, uuidIn } from '../kit/people.ts'
import { makeAgent, makeKey } from '../kit/programs.ts'
import type { TestServer } from '../kit/server.ts'
import { makeTag, mark } from '../kit/tags.ts'
import { ask, createPage, openChat, write } from '../kit/test.ts'
import type { Ids, Noun } from './probe.ts'

// What the people of the strangers law have.

interface Furniture {
  /** What all of it says. */
  readonly word: string
  /** What the agent and the tag are called, if otherwise: all members see them. */
  readonly agentName?: string
  readonly idempotencyKey?: string
  /** For whom the project is that all of it stands in; the organization's unless said. */
  readonly visibility?: 'ORGANIZATION' | 'PRIVATE'
}

/** What an editor may make: a project with a page with a block, a chat about it, a key and an agent, and another device. */
export type EditorIds = Omit<Ids, 'Membership' | 'Invitation' | 'AuditEvent'>

/** Makes what an editor may make. */
export async function furnish(person: Person, furniture: Furniture): Promise<EditorIds> {
  const { word, agentName, idempotencyKey } = furniture
  const project = await makeProject(person, furniture)
  const { createPage: page } = await person.mutate(CreatePageDocument, {
    input: { title: word, icon: word, projectId: project, ...(idempotencyKey !== undefined && { idempotencyKey }) },
  })
  if (page.__typename !== 'Page') throw new Error(`The page came to ${JSON.stringify(page)}`)
  const [block = ''] = await write(person, page.id, word)
  const tag = await makeTag(person, tagNameOf(furniture), { idempotencyKey })
  await mark(person, page, tag)
  const session = await openChat(person, { title: word, projectId: project })
  // The answer says what the tool found: the project, which has the word.
  const wanted = JSON.stringify([[{ name: 'listProjects', input: { name: word } }]])
  const answer = await ask(person, session, 'scenario/tools', wanted)
  await watch(person, session.id, { after: session.eventsCursor })
  const said = await lastMessage(person, session.id)
  return {
    User: person.userId,
    Organization: person.organizationId,
    DeviceSession: await deviceSessionOf(person),
    ApiKey: (await makeKey(person, { name: word })).id,
    Agent: (await makeAgent(person, { displayName: agentName ?? word, idempotencyKey })).id,
    Project: project,
    ProjectMember: await memberIdOf(person, project),
    Page: page.id,
    Block: block,
    Tag: tag.id,
    Link: (await makeLink(person, { sourceBlockId: block, url: `https://example.org/${encodeURIComponent(word)}` })).id,
    ChatSession: session.id,
    Message: answer,
    ToolCall: said?.parts.flatMap((part) => (part.__typename === 'ToolCallPart' ? part.toolCall.id : []))[0] ?? '',
  }
}

/** A name is taken once: only what is made once has it as it is. */
function tagNameOf({ word, agentName, idempotencyKey }: Furniture): string {
  return `${agentName ?? word}${idempotencyKey === undefined ? ` ${crypto.randomUUID()}` : ''}`
}

/** The same, and what only an administrator may see or make. */
export async function furnishAll(person: Person, furniture: Furniture): Promise<Ids> {
  return {
    ...(await furnish(person, furniture)),
    Membership: await membershipIn(person, person),
    Invitation: await invitationOf(person, `invited-${person.email}`),
    AuditEvent: (await person.query(AuditEventsDocument, { first: 1 })).auditEvents.nodes[0]?.id ?? '',
  }
}

/** Makes a project and answers its id. */
async function makeProject(person: Person, { word, idempotencyKey, visibility }: Furniture): Promise<string> {
  const { createProject: project } = await person.mutate(CreateProjectDocument, {
    input: {
      name: word,
      description: word,
      settings: { word },
      visibility: visibility ?? 'ORGANIZATION',
      ...(idempotencyKey !== undefined && { idempotencyKey }),
    },
  })
  if (project.__typename !== 'Project') throw new Error(`The project came to ${JSON.stringify(project)}`)
  return project.id
}

/** Makes anew what a call spends of this, and nothing else: each costs a call of its own. */
export async function makeSpendable(
  person: Person,
  furniture: Furniture,
  wanted: ReadonlySet<Noun>,
): Promise<Partial<Ids>> {
  const made: { Project?: string; Tag?: string; ChatSession?: string } = {}
  if (wanted.has('Project')) made.Project = await makeProject(person, furniture)
  if (wanted.has('Tag')) made.Tag = (await makeTag(person, tagNameOf(furniture))).id
  if (wanted.has('ChatSession')) made.ChatSession = (await openChat(person, { title: furniture.word })).id
  if (['Page', 'Block', 'Link'].every((noun) => !wanted.has(noun as Noun))) return made
  const page = await createPage(person, furniture.word)
  const [block = ''] = await write(person, page.id, furniture.word)
  const link = wanted.has('Link') ? { Link: await linkFrom(person, block) } : {}
  return { ...made, Page: page.id, Block: block, ...link }
}

async function linkFrom(person: Person, sourceBlockId: string): Promise<string> {
  return (await makeLink(person, { sourceBlockId, url: 'https://example.org/spent' })).id
}

async function memberIdOf(person: Person, id: string): Promise<string> {
  const { project } = await person.query(ProjectDocument, { id })
  return project?.members.nodes[0]?.id ?? ''
}

/** Calls the organization of a person something else than them. */
export async function rename(person: Person, name: string): Promise<void> {
  const input = { id: person.organizationId, name, slug: name, expectedVersion: 1 }
  const { updateOrganization: renamed } = await person.mutate(UpdateOrganizationDocument, { input })
  if (renamed.__typename !== 'Organization') throw new Error(`The new name came to ${JSON.stringify(renamed)}`)
}

async function invitationOf(person: Person, email: string): Promise<string> {
  const { inviteMember: invited } = await person.mutate(InviteMemberDocument, { input: { email, role: 'VIEWER' } })
  if (invited.__typename !== 'Invitation') throw new Error(`The invitation came to ${JSON.stringify(invited)}`)
  return invited.id
}

/** Another device of theirs: whoever signs this one out goes on themselves. */
async function deviceSessionOf(person: Person): Promise<string> {
  const elsewhere = await signIn(person, person.email)
  const { viewer } = await elsewhere.query(ViewerDocument, {})
  await elsewhere.close()
  return viewer?.deviceSessions.nodes.find(({ isCurrent }) => isCurrent)?.id ?? ''
}

/** A token that was the person's an hour ago. */
export async function expiredToken(server: TestServer, person: Person): Promise<string> {
  const { platform } = server.app
  const session = await platform.database.unscoped
    .selectFrom('device_session')
    .select('id')
    .where('user_id', '=', uuidIn(person.userId))
    .executeTakeFirstOrThrow()
  const clock = { now: () => new Date(platform.clock.now().getTime() - 3_600_000) }
  return issueAccessToken(
    { ...platform, clock },
    {
      userId: uuidIn(person.userId),
      organizationId: uuidIn(person.organizationId),
      deviceSessionId: session.id,
      role: 'OWNER',
    },
  )
}

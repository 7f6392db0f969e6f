import { expect } from 'vitest'
import { projectPurge } from '../../../../src/modules/chat/sessions/project-purge.jobs.ts'
import { PROJECT_GRACE_DAYS } from '../../../../src/modules/projects/project.service.ts'
import { DeleteProjectDocument } from '../../../gql/graphql.ts'
import { setRole } from '../../../kit/inside.ts'
import { type Person, signUpInto, uuidIn } from '../../../kit/people.ts'
import type { TestServer } from '../../../kit/server.ts'
import { openChat, test } from '../../../kit/test.ts'
import { begin, untilWaiting } from '../../ocean/pages/waiting.ts'
import { createProject } from '../../projects/stage.ts'
import { add, archive, erase, remove, update } from './stage.ts'

// The end of a project against what is done to its sessions meanwhile. On a real database: the embedded one has one session.

interface Stage {
  readonly id: string
  readonly alice: Person
  readonly bob: Person
  /** Takes part, though the project is closed to her. */
  readonly carol: Person
  /** Takes no part, and the project is open to him. */
  readonly dave: Person
  /** Takes no part, and the project is closed to her. */
  readonly erin: Person
}

interface Deed {
  readonly name: string
  readonly run: (stage: Stage) => Promise<{ readonly __typename: string }>
  /** What comes of it before the project is gone for good, and after. */
  readonly outcomes: readonly [string, string]
  /** Who takes part in the end, by name. */
  readonly people: readonly [readonly (keyof Stage)[], readonly (keyof Stage)[]]
}

const [changed, both] = ['ChatSession', ['alice', 'bob']] as const
const deeds: readonly Deed[] = [
  {
    name: 'a title that is changed',
    run: ({ alice, id }) => update(alice, { id, expectedVersion: 1, title: 'New' }),
    outcomes: [changed, changed],
    people: [both, both],
  },
  {
    name: 'a session that is taken out of it',
    run: ({ alice, id }) => update(alice, { id, expectedVersion: 1, projectId: null }),
    outcomes: [changed, changed],
    people: [both, both],
  },
  {
    name: 'somebody who comes',
    run: ({ alice, id, dave }) => add(alice, id, dave),
    outcomes: [changed, changed],
    people: [
      ['alice', 'bob', 'dave'],
      ['alice', 'bob', 'dave'],
    ],
  },
  {
    name: 'somebody who comes to whom it is closed',
    run: ({ alice, id, erin }) => add(alice, id, erin),
    outcomes: ['ProjectClosedToParticipant', changed],
    // Without a project there is none that is closed to her; a guest reads no session in none either way.
    people: [both, ['alice', 'bob', 'erin']],
  },
  {
    name: 'somebody who goes',
    run: ({ alice, id, bob }) => remove(alice, id, bob),
    outcomes: ['RemovedChatParticipant', 'RemovedChatParticipant'],
    people: [['alice'], ['alice']],
  },
  {
    name: 'a session that is archived',
    run: ({ alice, id }) => archive(alice, id),
    outcomes: [changed, changed],
    people: [both, both],
  },
  {
    name: 'a session that is deleted',
    run: ({ alice, id }) => erase(alice, id),
    outcomes: ['DeletedChatSession', 'DeletedChatSession'],
    people: [[], []],
  },
]

const cases = deeds.flatMap((deed) => (['before', 'after'] as const).map((order) => ({ deed, order, name: deed.name })))

test.for(cases)(
  '$name, $order the end of the project, leaves those in it who may be there',
  async ({ deed, order }, { server, alice, bob }) => {
    const [carol, dave, erin] = await Promise.all(
      ['Carol', 'Dave', 'Erin'].map((name) => signUpInto(server, alice, name, 'VIEWER')),
    )
    if (carol === undefined || dave === undefined || erin === undefined) throw new Error('Somebody is missing')
    const projectId = await createProject(alice, { name: 'Gone' })
    const { id } = await openChat(alice, { projectId, participantIds: [bob.userId, carol.userId] })
    for (const guest of [carol, erin]) await setRole(server, guest, 'GUEST')
    await alice.mutate(DeleteProjectDocument, { input: { id: projectId } })
    await letGraceEnd(server, projectId)

    const stage: Stage = { id, alice, bob, carol, dave, erin }
    const purge = () => projectPurge.run(server.app.platform, {}, new AbortController().signal)
    const holder = await begin(server)
    await holder.query('select from chat_session where id = $1 for update', [uuidIn(id)])
    const doIt = () => deed.run(stage)
    const [first, second] = order === 'before' ? [doIt, purge] : [purge, doIt]
    const one = first()
    await untilWaiting(server, 1)
    const other = second()
    await untilWaiting(server, 2)
    await holder.query('commit')
    const outcome = (await Promise.all([one, other])).find((done) => done !== undefined)

    const place = order === 'before' ? 0 : 1
    expect(outcome?.__typename).toBe(deed.outcomes[place])
    const people = deed.people[place].map((name) => uuidIn((stage[name] as Person).userId))
    expect(await peopleOf(server, id)).toEqual(people.toSorted())
    expect(await homesOf(server, id, projectId)).toEqual(people.length === 0 ? [] : [null])
    await Promise.all([carol, dave, erin].map((person) => person.close()))
  },
)

async function letGraceEnd({ app, clock }: TestServer, projectId: string): Promise<void> {
  const deletedAt = new Date(clock.now().getTime() - (PROJECT_GRACE_DAYS + 1) * 86_400_000)
  const projects = app.platform.database.unscoped.updateTable('project').set({ deleted_at: deletedAt })
  await projects.where('id', '=', uuidIn(projectId)).execute()
}

async function peopleOf({ app }: TestServer, id: string): Promise<string[]> {
  const rows = app.platform.database.unscoped.selectFrom('chat_participant').select('user_id')
  return (await rows.where('session_id', '=', uuidIn(id)).execute()).map((row) => row.user_id).sort()
}

/** The project of the session, if that is there; and that the project is not. */
async function homesOf({ app }: TestServer, id: string, projectId: string): Promise<(string | null)[]> {
  const { unscoped } = app.platform.database
  const projects = await unscoped.selectFrom('project').select('id').where('id', '=', uuidIn(projectId)).execute()
  expect(projects).toEqual([])
  const sessions = await unscoped.selectFrom('chat_session').select('project_id').where('id', '=', uuidIn(id)).execute()
  return sessions.map((session) => session.project_id)
}

import { expect } from 'vitest'
import { projectPurge } from '../../../../src/modules/chat/sessions/project-purge.jobs.ts'
import { ChatSessionDocument, DeleteProjectDocument, RestoreProjectDocument } from '../../../gql/graphql.ts'
import { test } from '../../../kit/clocked.ts'
import { setRole } from '../../../kit/inside.ts'
import { signIn, signUpInto, uuidIn } from '../../../kit/people.ts'
import { openChat, write } from '../../../kit/test.ts'
import { codeOf, createPageIn, createProject } from '../../projects/stage.ts'
import { look, peopleIn } from './stage.ts'

test('a deleted project is kept for thirty days, and then nothing of it is left', async ({ clocked, alice }) => {
  const { platform } = clocked.app
  const purge = () => projectPurge.run(platform, {}, new AbortController().signal)
  const [kept, gone] = [await createProject(alice, { name: 'Kept' }), await createProject(alice, { name: 'Gone' })]
  for (const id of [kept, gone]) await write(alice, await createPageIn(alice, id), 'a text')
  const session = await openChat(alice, { projectId: gone })
  await alice.mutate(DeleteProjectDocument, { input: { id: gone } })
  const left = async (id: string) => {
    const { unscoped } = platform.database
    const projects = await unscoped.selectFrom('project').select('id').where('id', '=', uuidIn(id)).execute()
    const pages = await unscoped.selectFrom('page').select('id').where('project_id', '=', uuidIn(id)).execute()
    return projects.length + pages.length
  }

  clocked.clock.advance({ days: 29, hours: 23 })
  await purge()
  expect(await left(gone)).toBe(2)
  clocked.clock.advance({ hours: 1 })
  const again = await signIn(clocked, alice.email)
  expect(await codeOf(again.send(RestoreProjectDocument, { input: { id: gone } }))).toBe('NOT_FOUND')
  await purge()
  expect([await left(gone), await left(kept)]).toEqual([0, 2])
  expect((await again.query(ChatSessionDocument, { id: session.id })).chatSession).toMatchObject({ project: null })
  await again.close()
})

test('a session that loses its project for good is open to nobody whom that was closed to', async ({
  clocked,
  alice,
  bob,
}) => {
  const projectId = await createProject(alice, { name: 'Gone' })
  const carol = await signUpInto(clocked, alice, 'Carol', 'VIEWER')
  const { id } = await openChat(alice, { projectId, participantIds: [bob.userId, carol.userId] })
  await setRole(clocked, carol, 'GUEST')
  await alice.mutate(DeleteProjectDocument, { input: { id: projectId } })
  clocked.clock.advance({ days: 30 })
  await projectPurge.run(clocked.app.platform, {}, new AbortController().signal)
  const again = await signIn(clocked, alice.email)
  expect(await peopleIn(again, id)).toEqual([alice.userId, bob.userId].toSorted())
  await setRole(clocked, carol, 'VIEWER')
  const back = await signIn(clocked, carol.email)
  expect(await look(back, id)).toBe(null)
  await Promise.all([again.close(), back.close(), carol.close()])
})

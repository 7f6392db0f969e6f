import { expect } from 'vitest'
import { projectPurge } from '../../../../src/modules/chat/sessions/project-purge.jobs.ts'
import { ChatSessionDocument, DeleteProjectDocument, RestoreProjectDocument } from '../../../gql/graphql.ts'
import { test } from '../../../kit/clocked.ts'
import { signIn, uuidIn } from '../../../kit/people.ts'
import { openChat, write } from '../../../kit/test.ts'
import { codeOf, createPageIn, createProject } from '../../projects/stage.ts'

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

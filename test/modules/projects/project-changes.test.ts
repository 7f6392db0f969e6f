import { expect } from 'vitest'
import {
  ArchiveProjectDocument,
  ChatSessionDocument,
  CreateChatSessionDocument,
  CreatePageDocument,
  DeleteProjectDocument,
  PageDocument,
  ProjectDocument,
  ProjectsDocument,
  RestoreProjectDocument,
  SendMessageDocument,
  UpdateProjectDocument,
  type UpdateProjectInput,
} from '../../gql/graphql.ts'
import { trailOf } from '../../kit/inside.ts'
import { type Person, signUpInto } from '../../kit/people.ts'
import { openChat, test } from '../../kit/test.ts'
import { codeOf, createPageIn, createProject } from './stage.ts'

async function update(person: Person, input: UpdateProjectInput) {
  return (await person.mutate(UpdateProjectDocument, { input })).updateProject
}

async function chatSession(person: Person, id: string) {
  return (await person.query(ChatSessionDocument, { id })).chatSession
}

test('what is named is changed, the rest stays, and the version goes up', async ({ alice }) => {
  const id = await createProject(alice, { name: 'Ocean', description: 'Deep', settings: { color: 'blue' } })
  const changed = await update(alice, { id, expectedVersion: 1, name: 'Sea' })
  expect(changed).toMatchObject({ name: 'Sea', description: 'Deep', settings: { color: 'blue' }, version: 2 })
  const emptied = await update(alice, { id, expectedVersion: 2, description: null, settings: {} })
  expect(emptied).toMatchObject({ name: 'Sea', description: null, settings: {}, version: 3 })
})

test('who saw an older version changes nothing, and is shown the one there is', async ({ alice }) => {
  const id = await createProject(alice, { name: 'Ocean' })
  await update(alice, { id, expectedVersion: 1, name: 'Sea' })
  const refused = await update(alice, { id, expectedVersion: 1, name: 'Lake', visibility: 'PRIVATE' })
  expect(refused).toMatchObject({ __typename: 'EditConflict', current: { id, name: 'Sea', version: 2 } })
  expect((await alice.query(ProjectDocument, { id })).project).toMatchObject({
    name: 'Sea',
    visibility: 'ORGANIZATION',
  })
})

test('an editor changes what a project says, its admins whom it is open to', async ({ server, alice, bob }) => {
  const id = await createProject(alice, { name: 'Ocean' })
  expect(await update(bob, { id, expectedVersion: 1, name: 'Sea' })).toMatchObject({ name: 'Sea' })
  const closing = { input: { id, expectedVersion: 2, name: 'Mine', visibility: 'PRIVATE' as const } }
  expect(await codeOf(bob.send(UpdateProjectDocument, closing))).toBe('FORBIDDEN')
  expect((await alice.query(ProjectDocument, { id })).project).toMatchObject({ name: 'Sea', version: 2 })
  const denials = (await trailOf(server, { organizationId: alice.organizationId })).filter(
    ({ outcome }) => outcome === 'denied',
  )
  expect(denials).toMatchObject([{ action: 'project.set_visibility', target: id, actor: bob.userId }])
})

test('settings are an object, and no large one', async ({ alice }) => {
  const id = await createProject(alice, { name: 'Ocean' })
  for (const settings of [[], 'x', 1, { text: 'x'.repeat(17_000) }]) {
    const refused = await update(alice, { id, expectedVersion: 1, settings })
    expect(refused).toMatchObject({ __typename: 'InvalidInput', fields: [{ path: ['settings'] }] })
  }
})

test('whoever closes a project stays in it, with the role they had', async ({ server, alice }) => {
  const admin = await signUpInto(server, alice, 'Admin', 'ADMIN')
  const id = await createProject(alice, { name: 'Ocean' })
  expect(await update(admin, { id, expectedVersion: 1, visibility: 'PRIVATE' })).toMatchObject({
    visibility: 'PRIVATE',
  })
  const { project } = await admin.query(ProjectDocument, { id })
  expect(project?.members.nodes.map(({ role, member }) => [role, member.id])).toEqual([
    ['OWNER', alice.userId],
    ['ADMIN', admin.userId],
  ])
  await admin.close()
})

test('an archived project is read-only, with all that stands in it, until it is restored', async ({ alice, bob }) => {
  const id = await createProject(alice, { name: 'Ocean' })
  const pageId = await createPageIn(alice, id)
  const session = await openChat(bob, { projectId: id })
  const { archiveProject } = await alice.mutate(ArchiveProjectDocument, { input: { id } })
  if (archiveProject.__typename !== 'Project') throw new Error(archiveProject.__typename)
  expect(archiveProject.archivedAt).toEqual(expect.any(String))
  expect(archiveProject.viewerCan).toEqual([
    'project.archive',
    'project.delete',
    'project.enter',
    'project.read',
    'project.remove_member',
    'project.restore',
    'project.set_member',
  ])
  expect((await bob.query(PageDocument, { id: pageId })).page).toMatchObject({ viewerCan: ['block.read', 'page.read'] })
  const writes = [
    bob.send(UpdateProjectDocument, { input: { id, expectedVersion: 2, name: 'Sea' } }),
    bob.send(CreatePageDocument, { input: { title: 'New', projectId: id } }),
    bob.send(CreateChatSessionDocument, { input: { projectId: id } }),
    bob.send(SendMessageDocument, { input: { sessionId: session.id, content: 'Anything?' } }),
  ]
  for (const write of writes) expect(await codeOf(write)).toBe('FORBIDDEN')
  expect(await codeOf(bob.send(ArchiveProjectDocument, { input: { id } }))).toBe('FORBIDDEN')
  expect((await bob.query(ProjectsDocument, { filter: { isArchived: true } })).projects.nodes).toMatchObject([{ id }])
  expect((await bob.query(ProjectsDocument, { filter: { isArchived: false } })).projects.nodes).toEqual([])

  await alice.mutate(RestoreProjectDocument, { input: { id } })
  expect(await createPageIn(bob, id)).toMatch(/^page_/)
})

test('a deleted project takes its pages along, and its chat sessions stay without it', async ({ alice, bob }) => {
  const id = await createProject(alice, { name: 'Ocean' })
  const pageId = await createPageIn(alice, id)
  const session = await openChat(bob, { projectId: id })
  expect(await codeOf(bob.send(DeleteProjectDocument, { input: { id } }))).toBe('FORBIDDEN')
  const { deleteProject } = await alice.mutate(DeleteProjectDocument, { input: { id } })
  expect(deleteProject).toMatchObject({ __typename: 'DeletedProject', deletedId: id })
  for (const person of [alice, bob]) {
    expect(await person.query(ProjectDocument, { id })).toEqual({ project: null })
    expect(await person.query(PageDocument, { id: pageId })).toEqual({ page: null })
    expect((await person.query(ProjectsDocument, {})).projects.totalCount).toBe(0)
  }
  expect(await codeOf(alice.send(UpdateProjectDocument, { input: { id, expectedVersion: 2, name: 'x' } }))).toBe(
    'NOT_FOUND',
  )
  expect(await chatSession(bob, session.id)).toMatchObject({ id: session.id, project: null })

  // Only whoever could delete it knows that it could be brought back.
  expect(await codeOf(bob.send(RestoreProjectDocument, { input: { id } }))).toBe('NOT_FOUND')
  const { restoreProject } = await alice.mutate(RestoreProjectDocument, { input: { id } })
  expect(restoreProject).toMatchObject({ __typename: 'Project', id })
  expect((await bob.query(PageDocument, { id: pageId })).page).toMatchObject({ id: pageId })
  expect(await chatSession(bob, session.id)).toMatchObject({ project: { id } })
})

import { describe, expect } from 'vitest'
import {
  ArchivePageDocument,
  DeleteBlockDocument,
  DeletePageDocument,
  DeleteProjectDocument,
  MoveBlockDocument,
  MovePageDocument,
  OrganizationDocument,
  RemoveMemberDocument,
  RemoveProjectMemberDocument,
  RestorePageDocument,
  RestoreProjectDocument,
  UpdateProjectDocument,
} from '../../../gql/graphql.ts'
import { test } from '../../../kit/clocked.ts'
import { holdIndexer, indexed, setRole } from '../../../kit/inside.ts'
import { membershipIn } from '../../../kit/organizations.ts'
import { type Person, signUpInto, uuidIn } from '../../../kit/people.ts'
import { createPage, write } from '../../../kit/test.ts'
import { update } from '../../ocean/blocks/typist.ts'
import { addTo, createProject } from '../../projects/stage.ts'
import { chat, found, inPrivate, lighthouse, query, type World } from './rights-stage.ts'
import { searched } from './stage.ts'

// What may no longer be read is found no more at once, whatever the index says: it is kept from following here.

/** Who finds something for now, and how that is taken from them. */
interface Closing {
  readonly who: Person
  readonly close: () => Promise<unknown>
  /** A page that stays readable: in a search that began when it had the word it may stay. */
  readonly stays?: string
}

const modes = ['LEXICAL', 'SEMANTIC', 'HYBRID'] as const

const closings: Readonly<Record<string, (world: World) => Promise<Closing>>> = {
  'whose project becomes private': async (world) => {
    const id = await createProject(world.alice, { name: 'Open' })
    await lighthouse(world.alice, id)
    await chat(world, id)
    const input = { id, expectedVersion: 1, visibility: 'PRIVATE' as const }
    return { who: world.bob, close: () => world.alice.mutate(UpdateProjectDocument, { input }) }
  },
  'that moves into a private project': async ({ alice, bob }) => {
    const { page: id } = await lighthouse(alice)
    const projectId = await inPrivate(alice)
    return { who: bob, close: () => alice.mutate(MovePageDocument, { input: { id, projectId } }) }
  },
  'whose blocks move onto a page in a private project': async ({ alice, bob }) => {
    const from = await createPage(alice, 'A page')
    const [id = ''] = await write(alice, from.id, 'The lighthouse is white.')
    const { id: pageId } = await createPage(alice, 'Another', await inPrivate(alice))
    return { who: bob, stays: from.id, close: () => alice.mutate(MoveBlockDocument, { input: { id, pageId } }) }
  },
  'whose blocks are deleted': async ({ alice, bob }) => {
    const page = await createPage(alice, 'A page')
    const [id = ''] = await write(alice, page.id, 'The lighthouse is white.')
    return { who: bob, stays: page.id, close: () => alice.mutate(DeleteBlockDocument, { input: { id } }) }
  },
  'that is deleted': async ({ alice, bob }) => {
    const { page: id } = await lighthouse(alice)
    return { who: bob, close: () => alice.mutate(DeletePageDocument, { input: { id } }) }
  },
  'whose project is deleted': async ({ alice, bob }) => {
    const id = await createProject(alice, { name: 'Open' })
    await lighthouse(alice, id)
    return { who: bob, close: () => alice.mutate(DeleteProjectDocument, { input: { id } }) }
  },
  'in whose project one is a guest no more': async ({ clocked, alice }) => {
    const guest = await signUpInto(clocked, alice, 'Guest', 'GUEST')
    const projectId = await createProject(alice, { name: 'Shared' })
    await addTo(alice, projectId, guest, 'VIEWER')
    await lighthouse(alice, projectId)
    await chat({ clocked, alice, bob: guest }, projectId)
    const input = { projectId, userId: guest.userId }
    return { who: guest, close: () => alice.mutate(RemoveProjectMemberDocument, { input }) }
  },
  'in whose organization one becomes a guest': async ({ clocked, alice, bob }) => {
    await lighthouse(alice)
    return { who: bob, close: () => setRole(clocked, bob, 'GUEST') }
  },
  'of whose chat one takes part no more': async (world) => {
    const id = uuidIn(await chat(world))
    const { unscoped } = world.clocked.app.platform.database
    const places = unscoped.deleteFrom('chat_participant').where('session_id', '=', id)
    return { who: world.bob, close: () => places.where('user_id', '=', uuidIn(world.bob.userId)).execute() }
  },
}

describe('what is found no more at once', () => {
  test.for(Object.entries(closings))('is something %s', async ([, stage], { clocked, alice, bob }) => {
    const { who, close, stays } = await stage({ clocked, alice, bob })
    await indexed(clocked, alice)
    const before = await found(who)
    expect(before.length).toBeGreaterThan(1)
    const begun = await searched(who, query, { first: 1 })
    const expectGone = async () => {
      expect(await found(who)).toEqual([])
      // By meaning, what is still to be read there may be near.
      for (const mode of modes) for (const id of await found(who, { mode })) expect([stays, before]).not.toContain(id)
      const rest = await searched(who, query, { after: begun.pageInfo.endCursor })
      expect(rest.totalCount).toBe(stays === undefined ? 0 : 1)
      for (const { node } of rest.edges) expect(node.node.id).toBe(stays)
    }
    const release = await holdIndexer(clocked)
    try {
      await close()
      await expectGone()
    } finally {
      await release()
    }
    await indexed(clocked, alice)
    await expectGone()
  })

  test('is anything of an organization that one has left', async ({ clocked, alice, bob }) => {
    await lighthouse(alice)
    await indexed(clocked, alice)
    const begun = await searched(bob, query, { first: 1 })
    expect(begun.totalCount).toBe(2)
    const id = await membershipIn(alice, bob)
    await alice.mutate(RemoveMemberDocument, { input: { id } })
    await expect(searched(bob, query)).rejects.toThrow('UNAUTHENTICATED')
    await expect(searched(bob, query, { after: begun.pageInfo.endCursor })).rejects.toThrow('UNAUTHENTICATED')
    expect((await alice.query(OrganizationDocument, {})).organization?.members?.totalCount).toBe(1)
  })
})

test('a block is found where it stands, and the page it stood on is found by it no more', async ({
  clocked,
  alice,
  bob,
}) => {
  const [from, to] = [await createPage(alice, 'A page'), await createPage(alice, 'Another')]
  const [id = ''] = await write(alice, from.id, 'The lighthouse is white.')
  await indexed(clocked, alice)
  expect(await found(bob)).toEqual([id, from.id].toSorted())
  const release = await holdIndexer(clocked)
  try {
    await alice.mutate(MoveBlockDocument, { input: { id, pageId: to.id } })
    expect(await found(bob)).toEqual([id])
  } finally {
    await release()
  }
  await indexed(clocked, alice)
  expect(await found(bob)).toEqual([id, to.id].toSorted())
})

describe('what is found again at once', () => {
  test('is what a project had that is restored', async ({ clocked, alice, bob }) => {
    const id = await createProject(alice, { name: 'Open' })
    const { page, block } = await lighthouse(alice, id)
    await indexed(clocked, alice)
    await alice.mutate(DeleteProjectDocument, { input: { id } })
    const release = await holdIndexer(clocked)
    try {
      expect(await found(bob)).toEqual([])
      await alice.mutate(RestoreProjectDocument, { input: { id } })
      expect(await found(bob)).toEqual([block, page].toSorted())
    } finally {
      await release()
    }
  })

  test('is an archived page by who looks in the archive, and a restored one outside of it', async ({
    clocked,
    alice,
    bob,
  }) => {
    const { page: id, block } = await lighthouse(alice)
    await indexed(clocked, alice)
    const release = await holdIndexer(clocked)
    const all = [block, id].toSorted()
    const places = async () => [
      await found(bob),
      await found(bob, { filter: { isArchived: true } }),
      await found(bob, { filter: { isArchived: false } }),
    ]
    try {
      expect(await places()).toEqual([all, [], all])
      await alice.mutate(ArchivePageDocument, { input: { id } })
      expect(await places()).toEqual([all, all, []])
      await alice.mutate(RestorePageDocument, { input: { id } })
      expect(await places()).toEqual([all, [], all])
    } finally {
      await release()
    }
  })
})

test('nobody goes on with a search of somebody else', async ({ clocked, alice, bob }) => {
  await lighthouse(alice, await inPrivate(alice))
  const own = [await lighthouse(bob), await lighthouse(bob, await inPrivate(bob))]
  await indexed(clocked, alice)
  const begun = await searched(alice, query, { first: 1 })
  expect(begun.totalCount).toBe(4)
  const { totalCount } = await searched(bob, query, { after: begun.pageInfo.endCursor })
  expect(totalCount).toBe(own.length * 2)
})

test('what one may not read changes nothing of what one finds', async ({ clocked, alice, bob }) => {
  const page = await createPage(bob, 'The lighthouse keeper')
  const words = Array.from('abcdefgh', (letter) => `lightship${letter}${letter}`).join(' ')
  await write(bob, page.id, 'A lighthouse stands in the harbour.', 'Keepers of the harbour sleep.', words)
  await indexed(clocked, alice)
  const queries = ['lighthouse harbour', 'keepers sleeping', 'lightships', 'lightsh', 'lighthuose', 'harbours']
  const answers = async () => {
    const searches = queries.flatMap((wanted) => modes.map((mode) => searched(bob, wanted, { mode })))
    return (await Promise.all(searches)).map(({ edges, totalCount, facets }) => {
      return { totalCount, facets, hits: edges.map(({ node }) => node) }
    })
  }
  const before = await answers()
  const hidden = await createPage(alice, 'The lighthouse', await inPrivate(alice))
  const near = Array.from(
    'zyxwvutsrq',
    (letter) => `lightsh${letter} lighthuos${letter} harbours${letter} keeper${letter}`,
  )
  await write(alice, hidden.id, ...Array<string>(20).fill('A lighthouse for sleepy keepers in harbours.'), ...near)
  await indexed(clocked, alice)
  expect(await answers()).toEqual(before)
})

test('words that stand nowhere any more crowd out nothing, nor do those one may not read', async ({
  clocked,
  alice,
  bob,
}) => {
  const page = await createPage(bob, 'Notes')
  const letters = [...'abcdefghijklmnopqrstuvw']
  // The index knows them until the night.
  const passing = letters.map((letter) => `layof${letter} ${letter}lentern`).join(' ')
  const [block = ''] = await write(bob, page.id, passing)
  await indexed(clocked, alice)
  await update(bob, { id: block, text: 'layoffsz lantern' })
  const hits = async (wanted: string) => (await searched(bob, wanted)).edges.map(({ node }) => node)
  const answers = async () => {
    await indexed(clocked, alice)
    return [await hits('layof'), await hits('lentern')]
  }
  const before = await answers()
  expect(before.map((found) => found.map(({ node }) => node.id).includes(block))).toEqual([true, true])
  const hidden = await createPage(alice, 'The plan', await inPrivate(alice))
  await write(alice, hidden.id, 'layoffs', ...letters.map((letter) => `${letter}${letter}lentern layoff${letter}`))
  expect(await answers()).toEqual(before)
})

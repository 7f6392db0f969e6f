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
import type { Client } from '../../../kit/client.ts'
import { test } from '../../../kit/clocked.ts'
import { holdIndexer, indexed, setRole } from '../../../kit/inside.ts'
import { membershipIn } from '../../../kit/organizations.ts'
import { type Person, signUpInto, uuidIn } from '../../../kit/people.ts'
import { makeAgent, makeKey, programOf, tokenOf } from '../../../kit/programs.ts'
import type { TestServer } from '../../../kit/server.ts'
import { ask, createPage, openChat, write } from '../../../kit/test.ts'
import { addTo, createProject } from '../../projects/stage.ts'
import { searched, type Wishes } from './stage.ts'

// What may no longer be read is found no more at once, whatever the index says: it is kept from following here.

const query = 'lighthouse'

interface World {
  readonly clocked: TestServer
  readonly alice: Person
  readonly bob: Person
}

/** Who finds something for now, and how that is taken from them. */
interface Closing {
  readonly who: Person
  readonly close: () => Promise<unknown>
  /** A page that stays readable: in a search that began when it had the word it may stay. */
  readonly stays?: string
}

const modes = ['LEXICAL', 'SEMANTIC', 'HYBRID'] as const

/** The ids of what somebody finds, sorted: all that is counted is shown. */
async function found(person: Client, wishes: Wishes = {}): Promise<string[]> {
  const { edges, totalCount, facets } = await searched(person, query, wishes)
  const sum = (counts: readonly { readonly count: number }[]) => counts.reduce((all, { count }) => all + count, 0)
  expect([totalCount, sum(facets.types), sum(facets.projects)]).toEqual(Array(3).fill(edges.length))
  return edges.map(({ node }) => node.node.id).toSorted()
}

async function inPrivate(alice: Person): Promise<string> {
  return createProject(alice, { name: 'Hidden', visibility: 'PRIVATE' })
}

/** A page with a block that has the word, and another of the same. */
async function lighthouse(alice: Person, projectId: string | null = null) {
  const page = await createPage(alice, 'Lighthouse', projectId)
  const [block = ''] = await write(alice, page.id, 'The lighthouse is white.', 'Its lamp turns.')
  return { page: page.id, block }
}

/** A session of both, in which the word was said twice. */
async function chat({ alice, bob }: World, projectId: string | null = null): Promise<string> {
  const session = await openChat(alice, { projectId, participantIds: [bob.userId] })
  for (const question of ['Which lighthouse?', 'A white lighthouse?'])
    await ask(alice, session, 'scenario/words-0', question)
  return session.id
}

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

describe('a program finds', () => {
  const sights = [
    ['nothing with rights to other things', ['user.read'], []],
    ['pages by their titles alone', ['page.read'], ['page']],
    ['no blocks without their pages', ['block.read'], []],
    ['pages and what stands on them', ['page.read', 'block.read'], ['block', 'other', 'page']],
    ['what is said where it may read that', ['chat_session.read'], ['message']],
  ] as const

  test.for(sights)('%s', async ([, permissions, kinds], { clocked, alice }) => {
    const { page, block } = await lighthouse(alice)
    const other = await createPage(alice, 'A page')
    await write(alice, other.id, 'Not a harbour.')
    const [named = ''] = await write(alice, other.id, 'The lighthouse is white.')
    await chat({ clocked, alice, bob: alice })
    await indexed(clocked, alice)
    const everything = await searched(alice, query)
    const begun = await searched(alice, query, { first: 1 })
    const messages = everything.edges.flatMap(({ node: { node } }) => (node.__typename === 'Message' ? node.id : []))
    expect(everything.totalCount).toBe(6)
    const things = { page: [page], block: [block, named], other: [other.id], message: messages }
    const expected = kinds.flatMap((kind) => things[kind]).toSorted()
    const key = await makeKey(alice, { permissions: [...permissions] })
    const agent = await makeAgent(alice, { permissions: [...permissions] })
    const rest = begun.pageInfo.endCursor
    for (const secret of [key.secret, await tokenOf(alice, agent)]) {
      const program = programOf(alice, secret)
      expect(await found(program)).toEqual(expected)
      const gone = await searched(program, query, { after: rest })
      expect(gone.totalCount).toBe(expected.length)
      for (const { node } of gone.edges) expect(expected).toContain(node.node.id)
      await program.close()
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

test('what a key may not read changes nothing of what it finds', async ({ clocked, alice }) => {
  for (const title of ['The white lighthouse', 'A harbour', 'The old harbour']) await createPage(alice, title)
  const key = programOf(alice, (await makeKey(alice, { permissions: ['page.read'] })).secret)
  const page = await createPage(alice, 'A page')
  const answer = async () => {
    await indexed(clocked, alice)
    return (await searched(key, 'old lighthouse harbour', {})).edges.map(({ node }) => node)
  }
  const before = await answer()
  expect(before).toHaveLength(3)
  await write(alice, page.id, ...Array<string>(20).fill('A lighthouse.'))
  expect(await answer()).toEqual(before)
  await key.close()
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

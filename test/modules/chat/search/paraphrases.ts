import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readArticles } from '../../../../src/sample-workspace.ts'
import { indexed } from '../../../kit/inside.ts'
import { type Person, uuidIn } from '../../../kit/people.ts'
import type { TestServer } from '../../../kit/server.ts'
import { homeOf, searched } from './stage.ts'

/** A question in other words than the article's, and the one article that answers it. */
interface Paraphrase {
  readonly query: string
  readonly title: string
}

const corpus: { readonly paraphrases: readonly Paraphrase[] } = JSON.parse(
  readFileSync(new URL('../../../corpora/search-queries.json', import.meta.url), 'utf8'),
)
const modes = ['LEXICAL', 'SEMANTIC', 'HYBRID'] as const
const LOOKED_AT = 10

/** How much of the articles is published. */
export interface Library {
  /** Of the articles that answer nothing, each so many-th. */
  readonly every: number
  /** Of an article, the first blocks that say more than a figure: so many characters at least. */
  readonly blocks: number
  readonly atLeast: number
}

/** Publishes articles of the factbook as pages, by SQL, and waits until they can be found by their meaning as well. */
export async function publishArticles(
  server: TestServer,
  person: Person,
  library: Library,
): Promise<Map<string, string>> {
  const answers = new Set(corpus.paraphrases.map(({ title }) => title))
  const articles = readArticles().filter(({ title }, index) => answers.has(title) || index % library.every === 0)
  const titles = new Map<string, string>()
  const { pool } = server.app.platform.database
  const [organizationId, userId] = [uuidIn(person.organizationId), uuidIn(person.userId)]
  for (const { title, blocks } of articles) {
    const pageId = randomUUID()
    titles.set(pageId, title)
    await pool.query(
      `insert into page (id, organization_id, title, rank, language, depth, version, created_by_id, updated_by_id, created_at, updated_at)
      values ($1::uuid, $2, $3, $1::uuid::text, 'en', 1, 1, $4, $4, now(), now())`,
      [pageId, organizationId, title, userId],
    )
    const texts = blocks.filter(({ text }) => text.length >= library.atLeast).map(({ text }) => text)
    await pool.query(
      `insert into block (id, organization_id, page_id, depth, type, content, aside, text, text_version, is_linking_due, position,
        created_by_id, updated_by_id, version, created_at, updated_at)
      select gen_random_uuid(), $1, $2, 1, 'PARAGRAPH', '{}', '{}', text, 1, false, lpad(place::text, 6, '0'), $3, $3, 1, now(), now()
      from unnest($4::text[]) with ordinality as given(text, place)`,
      [organizationId, pageId, userId, texts.slice(0, library.blocks)],
    )
  }
  await indexed(server, person, { withinMillis: 1_200_000 })
  return titles
}

/**
 * The mean reciprocal rank of the right article among the first ten different ones, by mode: 1 when it is always the first, 0
 * when it is never among them.
 */
export async function meanReciprocalRanks(person: Person, titles: ReadonlyMap<string, string>) {
  const ranks = { LEXICAL: 0, SEMANTIC: 0, HYBRID: 0 }
  for (const { query, title } of corpus.paraphrases) {
    for (const mode of modes) {
      const { edges } = await searched(person, query, { mode })
      const found = [...new Set(edges.map(({ node }) => titles.get(uuidIn(homeOf(node)))))].slice(0, LOOKED_AT)
      const place = found.indexOf(title)
      ranks[mode] += place < 0 ? 0 : 1 / (place + 1) / corpus.paraphrases.length
    }
  }
  return ranks
}

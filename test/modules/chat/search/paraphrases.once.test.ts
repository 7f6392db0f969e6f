import { expect, vi } from 'vitest'
import { createEmbeddedEmbedder } from '../../../../src/platform/embedder-embedded.ts'
import { createLog } from '../../../../src/platform/log.ts'
import { signIn, signUp } from '../../../kit/people.ts'
import { startServer } from '../../../kit/server.ts'
import { test } from '../../../kit/test.ts'
import { meanReciprocalRanks, publishArticles } from './paraphrases.ts'

// With the real model. FULL=1: all articles of the factbook, of each the first blocks that say more than a figure.

const isFull = process.env.FULL === '1'
const library = isFull ? { every: 1, blocks: 60, atLeast: 80 } : { every: 30, blocks: 4, atLeast: 120 }

vi.setConfig({ testTimeout: isFull ? 2_400_000 : 120_000 })

test('questions in other words are answered better by words and meaning together than by words alone', async () => {
  const server = await startServer({ embedder: createEmbeddedEmbedder({ log: createLog({ level: 'warn' }) }) })
  try {
    const writer = await signUp(server, 'Writer')
    const titles = await publishArticles(server, writer, library)
    // Meanwhile an access token may have expired.
    const reader = await signIn(server, writer.email)
    const ranks = await meanReciprocalRanks(reader, titles)
    const figures = Object.entries(ranks).map(([mode, rank]) => `${mode} ${rank.toFixed(3)}`)
    console.log(`MRR@10 of 30 paraphrases over ${titles.size} articles: ${figures.join(', ')}`)
    expect(ranks.HYBRID).toBeGreaterThan(ranks.LEXICAL)
    await Promise.all([writer.close(), reader.close()])
  } finally {
    await server.close()
    vi.resetConfig()
  }
})

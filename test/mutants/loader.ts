import { registerHooks } from 'node:module'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Edit, mutated } from './mutation.ts'

// Node loads this before anything else of a mutated run (`run.ts` says so in NODE_OPTIONS): the sources stay as they are
// on disk, and this process sees other ones.

const edits: readonly Edit[] = JSON.parse(process.env.MUTANT_EDITS ?? '[]')
const files = new Set(edits.map(({ file }) => file))
const root = fileURLToPath(new URL('../..', import.meta.url))

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context)
    if (!url.startsWith('file:')) return loaded
    const file = relative(root, fileURLToPath(url))
    if (!files.has(file) || loaded.source === undefined) return loaded
    const source =
      typeof loaded.source === 'string' ? loaded.source : Buffer.from(loaded.source as Uint8Array).toString()
    return { ...loaded, source: mutated(file, source, edits) }
  },
})

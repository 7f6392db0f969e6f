import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { type Config, loadConfig, processEnvironment } from './config.ts'
import { entities } from './entities.ts'
import { parseJson } from './lib/json.ts'
import { databaseTrail, type Trail } from './modules/audit/chain.reads.ts'
import { type ChainHead, headSigner } from './modules/audit/chain.service.ts'
import { headLine, headMessage } from './modules/audit/sealer.service.ts'
import { type ChainReport, signHeads, verifyTrail } from './modules/audit/verification.service.ts'
import { systemClock } from './platform/clock.ts'
import { secretsIn } from './platform/crypto/secrets.ts'
import { assertMigrated } from './platform/database/migrations.ts'
import { openStore } from './platform/database/store.ts'
import { createLog } from './platform/log.ts'
import { refusalOf } from './refusal.ts'

// npm run audit:verify                      checks the audit trail; a line for each chain, then a summary
// npm run audit:verify -- --heads FILE      and that it holds what heads kept elsewhere say: lines of the log, say
// npm run audit:verify -- --export-heads    writes the heads as they are, to be kept elsewhere
// npm run audit:verify -- --sign-heads      signs anew what another SIGNING_KEY_SECRET has signed, where all else is whole
const { values } = parseArgs({
  options: { heads: { type: 'string' }, 'export-heads': { type: 'boolean' }, 'sign-heads': { type: 'boolean' } },
})
// Standard output is the report's.
const log = createLog({ level: 'warn', destination: process.stderr })

const unkeptWarning =
  'Without --heads it does not show when the chain of no organization, which records the heads of all others, was set back together with its head.'

const lineSchema = z.object({
  msg: z.literal(headMessage),
  chain: z.uuid(),
  seq: z.int(),
  hash: z.string(),
  signedAt: z.iso.datetime().transform((text) => new Date(text)),
  proof: z.string(),
})

await run().catch((error: unknown) => {
  const { text, exitCode } = refusalOf('ocean-graph verified nothing', error)
  process.stderr.write(text)
  process.exitCode = exitCode
})

async function run(): Promise<void> {
  const config = loadConfig(processEnvironment())
  const kept = values.heads === undefined ? new Map<string, ChainHead[]>() : await readHeads(values.heads)
  const store = await openStore({
    databaseUrl: config.services?.databaseUrl ?? null,
    directory: config.dataDir,
    entities,
    log,
    onFailure: (error) => log.fatal({ err: error }, 'the embedded database ended'),
  })
  try {
    await assertMigrated(store.database.orm)
    // One snapshot: seals are made meanwhile.
    const snapshot = store.database.unscoped.transaction().setIsolationLevel('repeatable read')
    await snapshot.execute(async (db) => {
      const trail = databaseTrail(db)
      if (values['export-heads'] === true) return exportHeads(trail)
      const verification = { signer: headSigner(signingSecret(config)), now: systemClock.now(), kept }
      return report(values['sign-heads'] === true ? signHeads(db, verification) : verifyTrail(trail, verification))
    })
  } finally {
    await store.close()
  }
}

async function report(reports: AsyncIterable<ChainReport>): Promise<void> {
  const summary = { chains: 0, sealed: 0, waiting: 0, faults: 0 }
  for await (const found of reports) {
    write(found)
    summary.chains += 1
    summary.sealed += found.sealed
    summary.waiting += found.waiting
    summary.faults += found.faultCount
  }
  write(values.heads === undefined ? { ...summary, warning: unkeptWarning } : summary)
  if (summary.faults > 0) process.exitCode = 1
}

function signingSecret({ dataDir, secrets: { SIGNING_KEY_SECRET } }: Config): Uint8Array {
  return SIGNING_KEY_SECRET ?? secretsIn(dataDir, { SIGNING_KEY_SECRET }).SIGNING_KEY_SECRET
}

async function exportHeads(trail: Trail): Promise<void> {
  for (const chain of await trail.chains()) {
    const head = await trail.head(chain)
    if (head !== null) write({ ...headLine(head), msg: headMessage })
  }
}

/** The heads in a file of lines, by chain; what other lines it has is passed over. */
async function readHeads(path: string): Promise<Map<string, ChainHead[]>> {
  const heads = new Map<string, ChainHead[]>()
  for await (const line of createInterface({ input: createReadStream(path) })) {
    const parsed = lineSchema.safeParse(parseJson(line))
    if (!parsed.success) continue
    const { chain, seq, hash, signedAt, proof } = parsed.data
    const known = heads.get(chain) ?? []
    known.push({ chain, seq, hash, signedAt, signature: proof })
    heads.set(chain, known)
  }
  if (heads.size === 0) throw new Error(`There is no head of an audit chain in ${path}.`)
  return heads
}

function write(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

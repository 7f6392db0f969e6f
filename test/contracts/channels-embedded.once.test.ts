import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMemoryNudges } from '../../src/platform/channels/nudges.ts'
import { startEmbeddedPostgres } from '../../src/platform/database/embedded.ts'
import { channelsContract } from './channels.contract.ts'
import { openChannelsDatabase } from './channels-rig.ts'

channelsContract('channels on the embedded database, nudged in memory', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'ocean-graph-channels-'))
  const postgres = await startEmbeddedPostgres({ directory })
  const database = await openChannelsDatabase(postgres.connection, 1)
  const nudges = createMemoryNudges()
  return {
    database,
    // One process is one node, however many hubs a test opens: they share what is in its memory.
    openNudges: () => ({ ...nudges, close: async () => {} }),
    close: async () => {
      await database.close()
      await postgres.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
})

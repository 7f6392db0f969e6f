import type { TestProject } from 'vitest/node'
import { createApp } from '../../src/app.ts'
import { entities } from '../../src/entities.ts'
import { jobs } from '../../src/jobs.ts'
import { openDatabase } from '../../src/platform/database/database.ts'
import { migrate } from '../../src/platform/database/migrations.ts'
import { createJobs } from '../../src/platform/jobs.ts'
import { createLog } from '../../src/platform/log.ts'
import { administer, configOf, databaseUrlOf, temporaryDirectory } from './lane.ts'

/** Makes a lane's template: migrated once, copied by each worker. Answers what to do after the last test. */
export async function setup(lane: TestProject): Promise<() => Promise<void>> {
  return lane.name === 'services' ? templateDatabase(lane) : templateDirectory(lane)
}

async function templateDirectory(lane: TestProject): Promise<() => Promise<void>> {
  // Whoever runs vitest many times over makes one for all (test/mutants).
  const given = process.env.TEST_TEMPLATE
  const directory = given === undefined ? await makeTemplateDirectory() : { path: given, remove: async () => undefined }
  lane.provide('template', directory.path)
  return directory.remove
}

/** A migrated embedded database. */
export async function makeTemplateDirectory(): Promise<{ path: string; remove: () => Promise<void> }> {
  const directory = temporaryDirectory()
  // The app migrates the embedded database as it starts.
  const app = await createApp(configOf('embedded', directory.path, directory.path))
  await app.close()
  return directory
}

async function templateDatabase(lane: TestProject): Promise<() => Promise<void>> {
  const name = `ocean_test_${process.pid}_template`
  await administer(`create database ${name}`)
  const log = createLog({ level: 'warn' })
  const database = openDatabase({ connection: { connectionString: databaseUrlOf(name) }, poolMax: 2, entities, log })
  const scope = () => {
    throw new Error('No job runs in the template')
  }
  try {
    await migrate(database.orm)
    await createJobs({ pool: database.pool, embedded: false, jobs, log, scope }).install()
  } finally {
    await database.close()
  }
  lane.provide('template', name)
  return () => administer(`drop database ${name} with (force)`)
}

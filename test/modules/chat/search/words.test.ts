import { expect } from 'vitest'
import { indexed } from '../../../kit/inside.ts'
import { createPage, test, write } from '../../../kit/test.ts'
import { update } from '../../ocean/blocks/typist.ts'
import { make } from '../../ocean/pages/stage.ts'
import { found, foundIds, searched, standingOut } from './stage.ts'

test('words are found in other forms than they were written in', async ({ server, alice }) => {
  const page = await createPage(alice, 'Parental leaves')
  await write(alice, page.id, 'Employees are entitled to sixteen weeks.', 'The kitchen was closing.')
  await indexed(server, alice)
  expect(await found(alice, 'entitle employee')).toEqual([
    'Employees are entitled to sixteen weeks.',
    'Parental leaves',
  ])
  expect(await found(alice, 'closed kitchens')).toEqual(['The kitchen was closing.', 'Parental leaves'])
  expect(await found(alice, 'leave')).toEqual(['Parental leaves'])
  expect(await found(alice, 'basement')).toEqual([])
})

test('each language has forms of its own', async ({ server, alice }) => {
  const texts = {
    de: ['Die Häuser stehen leer.', 'Haus'],
    fr: ['Les chevaux mangeaient.', 'mangeait'],
    es: ['Las empresas pagaron.', 'empresa'],
    ru: ['Сотрудники получают отпуск.', 'сотрудник'],
    fi: ['Talossa on kaksi ovea.', 'talo'],
    ar: ['وقع المدير العقد', 'عقد'],
    tr: ['Kitaplar masada duruyor.', 'kitap'],
    'pt-BR': ['Os funcionários trabalhavam.', 'funcionário'],
  }
  for (const [language, [text = '']] of Object.entries(texts)) {
    const page = await make(alice, { title: language, language })
    await write(alice, page.id, text)
  }
  await indexed(server, alice)
  for (const [language, [text = '', word = '']] of Object.entries(texts)) {
    expect([language, (await found(alice, word))[0]]).toEqual([language, text])
  }
})

test('the last word may be unfinished, the others are whole', async ({ server, alice, page }) => {
  await write(alice, page.id, 'The quarterly budget of the lighthouse', 'The light of a harbour')
  await indexed(server, alice)
  const texts = async (query: string) => found(alice, query, { filter: { types: ['BLOCK'] } })
  for (const unfinished of ['quart', 'quarterl', 'the budget of the light', 'lighth']) {
    expect([unfinished, (await texts(unfinished))[0]]).toEqual([unfinished, 'The quarterly budget of the lighthouse'])
  }
  expect(await texts('light')).toEqual(['The light of a harbour', 'The quarterly budget of the lighthouse'])
  expect(await texts('light harbour')).toEqual(['The light of a harbour'])
})

test('words that were there once do not stand before those that are', async ({ server, alice, page }) => {
  const letters = [...'abcdfghijklmnoqrstuvwx']
  const [id = ''] = await write(alice, page.id, letters.map((letter) => `ze${letter} wall${letter} `).join(''))
  await indexed(server, alice)
  await update(alice, { id, text: 'A zeppelin over the wallpaper' })
  await indexed(server, alice)
  for (const word of ['ze', 'zep', 'wall', 'wallp', 'walpaper']) {
    expect([word, await found(alice, word)]).toEqual([word, ['A zeppelin over the wallpaper', 'A page']])
  }
})

const slips = {
  'transposed letters': ['bugdet', 'ilghthouse', 'quatrerly'],
  'a missing letter': ['buget', 'lighthuse', 'quartery'],
  'a doubled letter': ['budgett', 'lightthouse', 'quarrterly'],
  'a wrong letter': ['budgat', 'lighthoise', 'quartorly'],
  'one letter too many': ['budgeet', 'lighthouuse', 'quaarterly'],
}
for (const [slip, mistyped] of Object.entries(slips)) {
  test(`a word is found with ${slip}`, async ({ server, alice, page }) => {
    await write(alice, page.id, 'The budget of Tuesday', 'A lighthouse in the fog', 'Every quarterly report')
    await indexed(server, alice)
    const expected = ['The budget of Tuesday', 'A lighthouse in the fog', 'Every quarterly report']
    for (const [index, word] of mistyped.entries()) {
      const [best] = (await searched(alice, word, { filter: { types: ['BLOCK'] } })).edges
      expect([word, best?.node.snippet]).toEqual([word, expected[index]])
      expect(best && standingOut(best.node)).toEqual([['budget', 'lighthouse', 'quarterly'][index]])
    }
  })
}

test('a word that is written so is no slip of another', async ({ server, alice, page }) => {
  await write(alice, page.id, 'The form of the letter', 'They came from the lighthouse', 'A farm by the sea')
  await indexed(server, alice)
  expect(await found(alice, 'farm', { filter: { types: ['BLOCK'] } })).toEqual(['A farm by the sea'])
})

test('accents and capital letters make no difference, wherever they are', async ({ server, alice, page }) => {
  const cafes = ['A café in Málaga', 'A cafe in Malaga', 'A CAFÉ IN MÁLAGA']
  // The last one with its accents as characters of their own.
  await write(alice, page.id, ...cafes, 'A cafe\u0301 in Ma\u0301laga', 'An inn in Zürich')
  await indexed(server, alice)
  for (const word of ['café', 'cafe', 'CAFÉ', 'Cafe', 'cafe\u0301', 'malaga', 'MÁLAGA', 'ｃａｆｅ', 'cafè']) {
    const texts = await found(alice, word, { filter: { types: ['BLOCK'] } })
    expect([word, texts.toSorted()]).toEqual([word, [...cafes, 'A café in Málaga'].toSorted()])
  }
  expect(await found(alice, 'zurich', { filter: { types: ['BLOCK'] } })).toEqual(['An inn in Zürich'])
})

test('accents make no difference in a language whose forms know of them either', async ({ server, alice }) => {
  const page = await make(alice, { title: 'Réunions', language: 'fr' })
  const [block] = await write(alice, page.id, 'Les employés ont été invités à la réunion générale.')
  const german = await make(alice, { title: 'Gänge', language: 'de' })
  const [walks] = await write(alice, german.id, 'Mehrere Spaziergänge führten über Brücken.')
  await indexed(server, alice)
  for (const word of ['employe', 'employé', 'employés', 'reunion', 'réunion', 'REUNIONS', 'generale', 'général']) {
    expect([word, (await foundIds(alice, word)).includes(block ?? '')]).toEqual([word, true])
  }
  for (const word of ['Spaziergang', 'spaziergange', 'Spaziergänge', 'Brücke', 'brucken', 'brucke']) {
    expect([word, (await foundIds(alice, word)).includes(walks ?? '')]).toEqual([word, true])
  }
})

test('more of the words, and rarer ones, are better', async ({ server, alice, page }) => {
  await write(alice, page.id, 'red paint', 'red brush', 'red paint on a brush', 'red wall', 'red door', 'a blue door')
  await indexed(server, alice)
  const texts = async (query: string) => found(alice, query, { filter: { types: ['BLOCK'] } })
  expect((await texts('red paint brush'))[0]).toBe('red paint on a brush')
  expect((await texts('red blue'))[0]).toBe('a blue door')
  expect((await texts('red')).length).toBe(5)
})

test('a title tells more than a text, and what stands on a page is found by its title as well', async ({
  server,
  alice,
}) => {
  const titled = await createPage(alice, 'Onboarding')
  await write(alice, titled.id, 'The first week of an employee', 'The second week')
  const other = await createPage(alice, 'Kitchen')
  await write(alice, other.id, 'Onboarding of cooks takes a day')
  await indexed(server, alice)
  const pages = await found(alice, 'onboarding', { filter: { types: ['PAGE'] } })
  expect(pages).toEqual(['Onboarding', 'Kitchen'])
  expect((await found(alice, 'onboarding week', { filter: { types: ['BLOCK'] } })).slice(0, 2).toSorted()).toEqual([
    'The first week of an employee',
    'The second week',
  ])
})

test('a page whose title is a word that is asked with is found by it', async ({ server, alice }) => {
  for (const title of ['The Who', 'It', 'Not Now', 'of']) await createPage(alice, title)
  await indexed(server, alice)
  for (const title of ['The Who', 'It', 'Not Now', 'of', 'it', 'who']) {
    expect([title, (await found(alice, title)).map((text) => text.toLowerCase()).at(0)]).toEqual([
      title,
      expect.stringContaining(title.toLowerCase()),
    ])
  }
})

test('addresses, versions, numbers and names of programs are found as they are and in part', async ({
  server,
  alice,
  page,
}) => {
  const texts = ['Write to ann.lee@example.org', 'Version 2.14.1 is out', 'See src/modules/search.ts', 'Room C++ 4711']
  await write(alice, page.id, ...texts)
  await indexed(server, alice)
  const queries = { 'ann.lee@example.org': 0, '2.14.1': 1, 'src/modules/search.ts': 2, 4711: 3, '471': 3, example: 0 }
  for (const [query, index] of Object.entries(queries)) {
    const [best] = await found(alice, query, { filter: { types: ['BLOCK'] } })
    expect([query, best]).toEqual([query, texts[index]])
  }
})

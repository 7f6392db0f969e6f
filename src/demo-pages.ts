import type { NewBlock } from './modules/ocean/blocks/block.service.ts'

/** A page of the demo workspace. */
export interface DemoPage {
  readonly title: string
  readonly icon: string
  readonly blocks: readonly Pick<NewBlock, 'type' | 'text'>[]
}

/** Questions the pages answer, as the page `Start here` suggests them. */
export const demoQuestions = [
  'How long is parental leave?',
  'Whom do I call when a laptop is stolen?',
  'What may a hotel cost?',
] as const

const marks = [
  ['## ', 'HEADING_2'],
  ['- ', 'BULLETED_LIST'],
  ['> ', 'QUOTE'],
  ['```\n', 'CODE'],
] as const

/** The handbook of a company that does not exist. What it says of this API is true. */
export const handbook: readonly DemoPage[] = [
  page(
    '📖 Glossary',
    `Words we use every day, and what we mean by them.

## Product
- Tidewater Labs: 43 people in Rotterdam and Lisbon who measure water levels in harbours. Founded in 2016.
- Pier: a customer's site, with 4 to 30 sensors on it.
- Skipper: our app for harbour masters. It shows the tide of the next 72 hours.
- Gauge: the sensor itself. The current model is the Gauge 3, which runs 5 years on one battery.
- Slack: the quiet half hour between two tides, never the chat program.

## Numbers
- ARR: annual recurring revenue. It stood at 3.8 million euros at the end of September.
- Uptime: the share of minutes in which a harbour master can read a level. We promise 99.9 percent.
- Churn: piers that leave in a quarter, divided by the piers at its start.`,
  ),
  page(
    '🗺️ Roadmap',
    `What we build next, agreed on 5 October by Marit Vos and Tomás Reis. It is looked at again every six weeks.

## Now
1. Storm alerts by text message, for all piers, by 15 December. Lead: Noor Haddad.
2. Gauge 3 firmware 3.4, which halves the radio traffic. Lead: Emil Sørensen.

## Next
1. Skipper in Portuguese and Spanish, in February. Lead: Beatriz Lopes.
2. A public API for port authorities, in March. Lead: Tomás Reis.

## Later
- Forecasts of river levels. Nobody works on it before summer.

> We say no to dashboards nobody opens twice.`,
  ),
  page(
    '🗓️ Meeting notes: all hands, 12 October',
    `Present: 38 of 43. Chair: Marit Vos. Notes: Beatriz Lopes.

## Decisions
- The port of Sines signed for 26 piers over three years. It is our largest customer now.
- We move from two to three on-call rotations on 1 November.
- The winter offsite is in Sintra, from 21 to 23 January. Trains and rooms are booked by Ines Ferrer.

## Open questions
- Do we keep the workshop in Delft when its lease ends on 30 April? Tomás Reis brings numbers to the next meeting.

## Actions
1. Priya Nair publishes the travel budget for next year by 1 November.
2. Noor Haddad shows storm alerts to three pilot harbours before 20 November.

> The next all hands is on 9 November at 14:00.`,
  ),
  page(
    '🎙️ Brand voice',
    `How Tidewater Labs sounds, in the app, in mails and on stage. Questions go to Ada Lindqvist.

## We are calm
Harbour masters read us at four in the morning in a storm. One fact per sentence, the number first.

## We are exact
Write levels in metres with two decimals, times with their zone, and never "soon".
- Say "water level", not "tide height".
- Say "harbour master", never "user".
- Write "Skipper" with a capital letter and without "the".

## Colours
Our blue is Deep Channel, #0B3C5D. Our accent is Buoy Orange, #F26419; it is for warnings only.

> Bad: "Oops, something went wrong!" Good: "The gauge at pier 4 has not answered since 03:10. We call it again every minute."`,
  ),
  page(
    '📟 On-call',
    `Somebody looks after Skipper and the gauges at all hours. A rotation is one week, from Monday 10:00 to Monday 10:00.

## Duties
- Acknowledge a page within 10 minutes, day or night.
- When you cannot, the page goes to the second on call after 15 minutes, and to Tomás Reis after 30.
- Write down what you did in the incident's page, while you do it.

## Pay and rest
A week on call is paid with 450 euros. Every page between 22:00 and 07:00 earns half a day of rest, to be taken within two weeks.

## Swapping
Swap with anybody of your rotation and tell Emil Sørensen, who keeps the calendar, a day before.

\`\`\`
tide page --ack 4711
tide status --pier sines-4
\`\`\``,
  ),
  page(
    '🚢 Release process',
    `Skipper is released every Tuesday and Thursday at 11:00 Rotterdam time. Nothing is released on a Friday or during a storm warning.

## Steps
1. Open the release page and name a release captain. The captain is never the author of the largest change.
2. Run the tide simulator for 40 minutes against the candidate.
3. Release to the three pilot harbours: Vlissingen, Setúbal and Esbjerg.
4. Wait two hours, look at the error rate, then release to everybody.

## Rolling back
Roll back when more than 0.5 percent of readings fail. No approval is needed. It takes about 6 minutes.

\`\`\`
tide release roll-back --to previous
\`\`\`

Firmware of gauges goes out once a month, on the first Wednesday, since a gauge cannot be rolled back from afar.`,
  ),
  page(
    '🔐 Security incidents',
    `Report first, investigate later. Nobody is ever blamed for reporting something that turned out to be harmless.

## When something happened
1. Call the security phone, +31 10 555 0142, at any hour. Jonas Albrecht or his deputy Noor Haddad answers.
2. Do not switch the machine off and do not delete anything.
3. Write down what you saw, and at what time, in a new page.

## Lost or stolen laptops
A stolen laptop is an incident: call the security phone, +31 10 555 0142, within one hour. We lock and wipe it from afar; disks are encrypted.

## Afterwards
- Customers who are affected hear from us within 24 hours, the data protection authority within 72 hours.
- A review takes place within five working days. Its notes are open to the whole company.

> Suspicious mail? Forward it to phishing@tidewater.example and do not open the attachment.`,
  ),
  page(
    '🏡 Office and remote work',
    `Work where you work best. Teams meet in person at least two days a month, and the days are named in the team's calendar.

## Offices
- Rotterdam: Maashaven 12, third floor. Open from 07:30 to 20:00; 24 desks.
- Lisbon: Rua do Arsenal 54. Open from 08:30 to 19:00; 12 desks.
- The door code changes on the first of each month and stands in the welcome mail of that day.

## At home
Everybody gets 600 euros for a desk and a chair once, and 40 euros a month for internet.

## Abroad
You may work from another country of the EU for up to 30 days a year. Tell Ines Ferrer two weeks before, because of insurance.

## Dogs
Dogs are welcome in Rotterdam on Wednesdays, and in Lisbon every day but Monday.`,
  ),
  page(
    '🧳 Travel and expenses',
    `Spend the company's money as if it were your own. Trips above 1,500 euros are approved by your lead before you book.

## Getting there
- Take the train for journeys under six hours. Above that, fly economy.
- A rental car needs a reason: a pier without a station is one.

## Sleeping and eating
- A hotel may cost 140 euros a night, and 190 euros in London, Copenhagen and Zurich.
- Meals are paid up to 55 euros a day. Keep the receipts.

## Getting your money back
1. Photograph the receipt and send it to receipts@tidewater.example within 30 days.
2. Priya Nair pays on the 10th and the 25th of each month.

> Without a receipt we pay up to 15 euros, three times a year.`,
  ),
  page(
    '👶 Parental leave',
    `For everybody who becomes a parent, by birth, adoption or foster care, whatever the contract and from the first day of work.

## How long
It is 16 weeks, at full pay. It can be taken in one piece or in up to three, until the child is 18 months old.

Those who give birth have 6 further weeks before or after the birth.

## How to ask
1. Tell Ines Ferrer three months before it begins, or as soon as you know.
2. Agree with your lead on who takes over, and write a page about it.

## Coming back
For the first 8 weeks after the leave you may work 80 percent for full pay. Your role and your team are waiting for you.

> Nobody has ever regretted taking all of it. (Marit Vos)`,
  ),
  page(
    '⚓ Onboarding',
    `Welcome aboard. Your first day starts at 09:30, in Rotterdam or in Lisbon, with breakfast. Your buddy waits at the door.

## Before you start
- Your laptop arrives five days before. Choose between a MacBook Air and a Framework 13.
- Ines Ferrer sends the contract, the handbook and the door code.

## First week
1. Monday: accounts, keys and lunch with your team.
2. Tuesday: a harbour tour with Emil Sørensen. Bring boots.
3. Thursday: release something small to Skipper, with your buddy.

## First 90 days
Talk with your lead after 30, 60 and 90 days. The trial period is two months.

Every newcomer has 500 euros and five days a year for learning, from the first day.`,
  ),
  page(
    '🔌 About this API',
    `Everything in this workspace is behind one GraphQL endpoint, /graphql. Open it in a browser, and GraphiQL has an example of every operation.

## Pages and blocks
- A page's title has at most 200 characters, the text of a block at most 20,000.
- One createBlocks call appends up to 200 blocks, all or none.
- Lists are read with first and after, and say what comes next in pageInfo.

## Live events
Subscriptions run over WebSocket and over server-sent events. Keep the cursor of the newest event, send it as after when you reconnect, and nothing is missed.

## Mistakes
What a person can mend comes back as a typed error in the mutation's union, with a code and a message.

\`\`\`
{ viewer { actor { displayName } role } pages { nodes { id title } } }
\`\`\`

> GET /health says that the process runs, GET /ready that it can serve.`,
  ),
]

/** A page from its icon and title and a few marks of Markdown: `##`, `-`, `1.`, `>` and fences. */
function page(name: string, text: string): DemoPage {
  const [icon = '', ...title] = name.split(' ')
  // Every line is a block, but for those between fences.
  const pieces = text.match(/^```\n[^`]*\n```$|^.+$/gm) ?? []
  return { icon, title: title.join(' '), blocks: pieces.map(block) }
}

function block(piece: string): DemoPage['blocks'][number] {
  const item = /^\d+\. (.*)$/s.exec(piece)?.[1]
  if (item !== undefined) return { type: 'NUMBERED_LIST', text: item }
  const mark = marks.find(([start]) => piece.startsWith(start))
  if (mark === undefined) return { type: 'PARAGRAPH', text: piece }
  return { type: mark[1], text: piece.slice(mark[0].length).replace(/\n```$/, '') }
}

import { Migration } from '@mikro-orm/migrations';

export class Migration20261123011827_block_text extends Migration {

  override name = 'Migration20261123011827_block_text';

  override up(): void | Promise<void> {
    this.addSql(`create index "block_text_index" on "block" using gin (to_tsvector('english', "text"));`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop index "block_text_index";`);
  }

}

import { Migration } from '@mikro-orm/migrations';

export class Migration20261126164319_search_in_turn extends Migration {

  override name = 'Migration20261126164319_search_in_turn';

  override up(): void | Promise<void> {
    this.addSql(`drop index "search_text_words_index";`);
    this.addSql(`create index "search_text_words_index" on "search_text" using gin ("organization_id", "home_id", "words") with (fastupdate = off);`);
    this.addSql(`drop index "search_word_trigram_index";`);
    this.addSql(`create index "search_word_trigram_index" on "search_word" using gin ("organization_id", "word" gin_trgm_ops) with (fastupdate = off);`);
    this.addSql(`create index "search_text_titles_index" on "search_text" using gin ("organization_id", "words") with (fastupdate = off) where "kind" = 'PAGE';`);

    this.addSql(`create index "search_chunk_organization_id_home_id_index" on "search_chunk" ("organization_id", "home_id");`);
    this.addSql(`create index "search_chunk_due_in_turn_index" on "search_chunk" ("organization_id", "id") where "model_id" is null;`);

    this.addSql(`create index "text_change_organization_id_id_index" on "text_change" ("organization_id", "id");`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop index "search_text_words_index";`);
    this.addSql(`create index "search_text_words_index" on "search_text" using gin ("organization_id", "words");`);

    this.addSql(`drop index "search_word_trigram_index";`);
    this.addSql(`create index "search_word_trigram_index" on "search_word" using gin ("organization_id", "word" gin_trgm_ops);`);
    this.addSql(`drop index "search_chunk_organization_id_home_id_index";`);
    this.addSql(`drop index "search_chunk_due_in_turn_index";`);

    this.addSql(`drop index "search_text_titles_index";`);

    this.addSql(`drop index "text_change_organization_id_id_index";`);
  }

}

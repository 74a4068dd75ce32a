// What is for sale.
export const ARTICLES = {
  tabs: "A tab is a promise with a ledger behind it. The baker writes down a loaf a day and is paid on Saturday.",
  holds: "A hold keeps money ready for a purchase that is under way. It becomes a charge, or it ends.",
  vouchers: "A voucher says: up to here, all together. The next one says a little more, and the old one is history.",
  windows: "A billing window collects what was charged. When it closes, there is one statement and one payment.",
  mandates: "A mandate lets an agent spend for its owner: so much a day, with these payees, until it is revoked.",
  proofs: "A proof shows that a line is in the book without showing the book.",
  disputes: "Who signs what they say can be held to it, and can hold others to it.",
  payouts: "What is final is paid out: to the seller the sale, to the operator its fee, to the last unit.",
};

export const STORY = (
  "A crawler came to a library at night. Every page had a price, and the price was small. It had no coins, only a name " +
  "and a way to sign. So it signed for a page, and for the next, and the librarian wrote every line into a book that " +
  "nobody could rewrite. In the morning the lines were added up, once, and one coin moved where a thousand would have " +
  "been lost on the way. The crawler read the sum, checked it against its own, and went on to the next library."
).split(" ");

/** The slugs of articles with this word in them; at most five. */
export function search(word) {
  const wanted = word.trim().toLowerCase().slice(0, 40);
  if (wanted === "") return [];
  return Object.keys(ARTICLES)
    .filter((slug) => slug.includes(wanted) || ARTICLES[slug].toLowerCase().includes(wanted))
    .slice(0, 5);
}

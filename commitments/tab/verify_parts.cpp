#include "commitments/tab/verify_parts.h"

#include <algorithm>

#include "base/check.h"

namespace commitments::tab {

using base::Status;

void PartVerifier::verify(std::span<const BatchPart> parts) {
  questions_.clear();
  for (std::size_t i = 0; i < parts.size(); ++i) collect(parts[i], i);
  const auto before = [](const Question& a, const Question& b) {
    if (a.company != b.company) return a.company < b.company;
    return a.company == Company::own && a.submitter < b.submitter;
  };
  // Nearly always everybody is in good standing, and there is nothing to sort.
  if (!std::is_sorted(questions_.begin(), questions_.end(), before))
    std::stable_sort(questions_.begin(), questions_.end(), before);
  items_.clear();
  for (const Question& question : questions_) {
    items_.push_back(question.item);
    items_.back().key = question.key ? &*question.key : nullptr;
  }
  answers_.assign(questions_.size(), {});
  for (std::size_t begin = 0; begin < questions_.size();) {
    const Question& first = questions_[begin];
    std::size_t end = begin + 1;
    const auto together = [&](const Question& next) {
      return next.company == first.company && (first.company != Company::own || next.submitter == first.submitter);
    };
    while (end < questions_.size() && together(questions_[end])) ++end;
    ask(begin, end);
    begin = end;
  }
  answer(parts);
}

void PartVerifier::collect(const BatchPart& part, std::size_t number) {
  BatchVerifier& batch = *part.batch;
  CHECK(part.begin <= part.end && part.end <= batch.size());
  if (batch.admission_ != Status::ok) return;
  Question question;
  question.part = number;
  bool asked = false;
  if (const auto header = part.begin == 0 ? batch.header_question() : std::nullopt) {
    question.index = kHeader;
    question.submitter = {batch.server(), 0};
    if (watch_ != nullptr) question.company = watch_->company(question.submitter);
    question.item = *header;
    question.key = batch.keys_.find(header->signer);
    questions_.push_back(question);
    asked = true;
  }
  for (std::size_t i = part.begin; i < part.end; ++i) {
    if (!batch.prepare(i)) continue;
    const Submitter submitter = batch.submitter(i);
    if (watch_ != nullptr && (!asked || submitter != question.submitter)) question.company = watch_->company(submitter);
    asked = true;
    question.index = i;
    question.submitter = submitter;
    question.item = batch.item_question(i);
    question.key = batch.keys_.find(question.item.signer);
    questions_.push_back(question);
  }
}

// Questions [begin, end), which may be asked together unless they are to be single.
void PartVerifier::ask(std::size_t begin, std::size_t end) {
  const std::span<const crypto::VerifyItem> items = std::span(items_).subspan(begin, end - begin);
  const std::span<crypto::VerifyAnswer> answers = std::span(answers_).subspan(begin, end - begin);
  if (questions_[begin].company != Company::single) return crypto_.verify(items, answers);
  crypto::verify(items, answers);
  single_items_ += items.size();
}

void PartVerifier::answer(std::span<const BatchPart> parts) {
  std::size_t good = 0;
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < questions_.size(); ++i) {
    const Question& question = questions_[i];
    BatchVerifier& batch = *parts[question.part].batch;
    if (question.index == kHeader) {
      batch.server_check_ = answers_[i].check;
    } else {
      batch.settle(question.index, to_status(answers_[i].check));
    }
    if (answers_[i].recovered) batch.keys_.insert(items_[i].signer, *answers_[i].recovered);
    if (answers_[i].check == crypto::SignatureCheck::ok) ++good;
    if (answers_[i].check == crypto::SignatureCheck::wrong) ++wrong;
    const bool last = i + 1 == questions_.size() || questions_[i + 1].submitter != question.submitter;
    if (!last || watch_ == nullptr) continue;
    watch_->record(question.submitter, good, wrong);
    good = wrong = 0;
  }
}

crypto::BatchTally PartVerifier::tally() const {
  crypto::BatchTally tally = crypto_.tally();
  tally.single_items += single_items_;
  return tally;
}

}  // namespace commitments::tab
